// One step: a line that says what is done to whom and why, and what it opens to.

const { h, render, options } = preact;
const { useEffect, useMemo, useRef, useState } = preactHooks;
const html = htm.bind(h);

const SIGNS = { create: "+", "add members": "+", "remove members": "−", deactivate: "−", delete: "−" };
const TONES = { create: "create", "add members": "create", update: "change", reactivate: "change" };
const NAMED = 3;
const MEMBERS = 1_000;

/** @returns the sign of an action, as plans have it everywhere. */
const signOf = (action) => SIGNS[action] ?? "~";
/** @returns the name of the colour of an action. */
const toneOf = (action) => TONES[action] ?? "remove";

/** @returns in a few words what a step writes: the members, or the attributes. */
function gist(step) {
  if (step.members.length > 0) {
    const named = step.members.slice(0, NAMED).map((member) => member.name);
    const more = step.members.length - named.length;
    const rest = more > 0 ? ` and ${digits(more)} more` : "";
    return `${counted(step.members.length, "member")}: ${named.join(", ")}${rest}`;
  }
  if (step.action === "update") return step.changes.map((change) => change.path).join(", ");
  return "";
}

/** One step, folded to its line until it is opened. */
function Step({ step, open, onOpen }) {
  const body = open && html`<${StepBody} step=${step} />`;
  const toggle = (event) => {
    event.preventDefault();
    onOpen(step.index, !open);
  };
  return html`<li class="step">
    <details open=${open}>
      <summary onClick=${toggle}>
        <span class="sign ${toneOf(step.action)}" aria-hidden="true">${signOf(step.action)}</span>
        <span class="deed">${step.action}</span>
        <span class="kind">${step.kind}</span>
        <bdi class="name">${step.name}</bdi>
        <span class="gist">${gist(step)}</span>
        ${step.flags.map((flag) => html`<span key=${flag} class="mark high">${flag}</span>`)}
        <span class="why">${[step.why, step.origin].filter(Boolean).join(", ")}</span>
      </summary>
      ${body}
    </details>
  </li>`;
}

function StepBody({ step }) {
  return html`<div class="body">
    ${step.note && html`<p class="note"># ${step.note}</p>`}
    ${step.changes.length > 0 && html`<${Changes} step=${step} />`}
    ${step.members.length > 0 && html`<${Members} step=${step} />`}
    <dl class="facts">
      ${step.facts.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}
    </dl>
  </div>`;
}

function Changes({ step }) {
  const creation = step.action === "create";
  const placed = step.changes.some((change) => change.origin);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Attributes of ${step.name}">
    <table>
      <caption>Attributes</caption>
      <thead><tr>
        <th scope="col">Attribute</th>
        ${!creation && html`<th scope="col">Before</th>`}
        <th scope="col">${creation ? "Value" : "After"}</th>
        ${placed && html`<th scope="col">File</th>`}
      </tr></thead>
      <tbody>
        ${step.changes.map(
          (change) => html`<tr>
            <th scope="row">
              ${change.path}
              ${change.identity && !creation && html` <span class="mark high">identity</span>`}
            </th>
            ${!creation && html`<td class="value remove">${change.before}</td>`}
            <td class="value create">${change.after}${change.details.map(
              (phrase) => html`<p class="phrase">${phrase}</p>`,
            )}</td>
            ${placed && html`<td class="origin">${change.origin}</td>`}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function Members({ step }) {
  const [all, setAll] = useState(false);
  const shown = all ? step.members : step.members.slice(0, MEMBERS);
  const tone = toneOf(step.action);
  const has = (column) => step.members.some((member) => member[column]);
  const verb = tone === "create" ? "added" : "removed";
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Members of ${step.name}">
    <table>
      <caption>${counted(step.members.length, "member")} ${verb}</caption>
      <thead><tr>
        <th scope="col">Member</th>
        <th scope="col">Why</th>
        ${has("rule") && html`<th scope="col">Rule</th>`}
        ${has("origin") && html`<th scope="col">File</th>`}
        ${has("note") && html`<th scope="col">Note</th>`}
      </tr></thead>
      <tbody>
        ${shown.map(
          (member) => html`<tr>
            <th scope="row" class=${tone}>
              ${signOf(step.action)} ${member.kind === "group" && "group "}<bdi>${member.name}</bdi>
            </th>
            <td>${member.why}</td>
            ${has("rule") && html`<td>${member.rule && html`<code>${member.rule}</code>`}</td>`}
            ${has("origin") && html`<td class="origin">${member.origin}</td>`}
            ${has("note") && html`<td>${member.note}</td>`}
          </tr>`,
        )}
      </tbody>
    </table>
    ${shown.length < step.members.length && html`<p class="further">
      <button class="quiet" type="button" onClick=${() => setAll(true)}>Show all ${digits(step.members.length)}</button>
    </p>`}
  </div>`;
}
