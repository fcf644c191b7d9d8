// Which steps are wanted: words that a step must hold, and one filter for each of its traits.

/** The traits by which steps are filtered, in the order in which the filters stand. */
const TRAITS = [
  { name: "action", title: "Action", of: (step) => [step.action] },
  { name: "kind", title: "Kind", of: (step) => [step.kind] },
  { name: "reason", title: "Reason", of: (step) => step.reasons },
  { name: "risk", title: "Look first", of: (step) => step.risks },
];

/** What is wanted when nothing was asked for. `only` is a set of steps that something on the page points to. */
const EVERYTHING = { words: "", action: [], kind: [], reason: [], risk: [], group: "", only: null };

/** @returns all that can be found in a step, in small letters; made when it is first needed. */
function haystack(step) {
  step.haystack ??= [
    step.id,
    step.name,
    step.why,
    step.origin,
    step.note,
    ...step.flags,
    ...step.reasons,
    ...step.changes.flatMap((change) => [change.path, change.before, change.after, change.origin, ...change.details]),
    ...step.members.flatMap((edge) => [edge.name, edge.why, edge.rule, edge.origin, edge.note]),
    ...step.facts.flat(),
  ]
    .join("\n")
    .toLowerCase();
  return step.haystack;
}

/**
 * Find the steps that are wanted, and how many there would be for each choice of each filter.
 *
 * A step is wanted where it holds every word, and has one of the chosen traits of each filter in which something is
 * chosen. The numbers of one filter count what all the others leave.
 *
 * @returns {{found: object[], numbers: Object<string, Map>}}
 */
function search(steps, wanted) {
  const words = wanted.words.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = TRAITS.map((trait) => new Set(wanted[trait.name]));
  const counts = TRAITS.map(() => new Map());
  const found = [];
  for (const step of steps) {
    if (wanted.only !== null && !wanted.only.steps.has(step.index)) continue;
    if (wanted.group !== "" && String(step.group) !== wanted.group) continue;
    if (words.length > 0 && !words.every((word) => haystack(step).includes(word))) continue;
    step.traits ??= TRAITS.map((trait) => trait.of(step));
    let failed = 0;
    let failedAt = -1;
    step.traits.forEach((traits, at) => {
      if (chosen[at].size > 0 && !traits.some((one) => chosen[at].has(one))) {
        failed += 1;
        failedAt = at;
      }
    });
    if (failed === 0) found.push(step);
    if (failed > 1) continue;
    step.traits.forEach((traits, at) => {
      if (failed === 1 && failedAt !== at) return;
      for (const one of traits) counts[at].set(one, (counts[at].get(one) ?? 0) + 1);
    });
  }
  return { found, numbers: Object.fromEntries(TRAITS.map((trait, at) => [trait.name, counts[at]])) };
}

/** Make ready what the search needs while nobody waits for it, some steps at a time. */
function prepareSearch(steps) {
  const remaining = steps.values();
  const work = (deadline) => {
    for (let done = 0; deadline.timeRemaining() > 1 || done < 50; done += 1) {
      const next = remaining.next();
      if (next.done) return;
      haystack(next.value);
    }
    requestIdleCallback(work);
  };
  // Safari has none; there the first search makes it ready.
  if ("requestIdleCallback" in window) requestIdleCallback(work);
}

/** @returns whether anything at all was asked for. */
function isNarrowed(wanted) {
  const chosen = TRAITS.some((trait) => wanted[trait.name].length > 0);
  return chosen || wanted.words !== "" || wanted.group !== "" || wanted.only !== null;
}
