// Who has access before and after: a list of groups or people, and one of them in full.

const LISTED = 200;
const ROWS = 15;

/** What the list is of, and how one and several of them are called. */
const SIDES = {
  groups: { title: "Groups", noun: "group", many: "groups" },
  people: { title: "People", noun: "person", many: "people" },
};

/** The view of one group or one person, chosen from a list. */
function Explorer({ plan, onPoint }) {
  const [side, setSide] = useState(plan.groups.length > 0 ? "groups" : "people");
  const [words, setWords] = useState("");
  const [chosen, setChosen] = useState(null);
  const sorted = useMemo(() => [...plan[side]].sort((one, other) => heavierFirst(one, other, side)), [side]);
  const asked = words.toLowerCase().split(/\s+/).filter(Boolean);
  const found = sorted.filter((one) => asked.every((word) => one.name.toLowerCase().includes(word)));
  const one = sorted.find((other) => other.key === chosen) ?? found[0];
  const choose = (where, key) => {
    setSide(where);
    setWords("");
    setChosen(key);
  };

  if (plan.groups.length === 0 && plan.people.length === 0) return null;
  return html`<div class="explorer">
    <div class="pick">
      <div class="turn" role="group" aria-label="What to choose from">
        ${Object.entries(SIDES).map(
          ([where, { title }]) => html`<button
            key=${where}
            type="button"
            aria-pressed=${side === where}
            onClick=${() => choose(where, null)}
          >
            ${title} <b>${digits(plan[where].length)}</b>
          </button>`,
        )}
      </div>
      <div class="field">
        <label for="find">Find a ${SIDES[side].noun}</label>
        <input
          id="find"
          type="search"
          autocomplete="off"
          spellcheck=${false}
          value=${words}
          onInput=${(event) => setWords(event.currentTarget.value)}
          onKeyDown=${(event) => event.key === "Escape" && setWords("")}
        />
      </div>
      <p class="unseen" role="status" aria-live="polite">
        ${counted(found.length, SIDES[side].noun, SIDES[side].many)}
      </p>
      <${Picks} found=${found} side=${side} one=${one} onChoose=${setChosen} />
    </div>
    ${one && side === "groups" && html`<${GroupView} key=${one.key} group=${one} plan=${plan} onPoint=${onPoint}
      onPerson=${(key) => choose("people", key)} />`}
    ${one && side === "people" && html`<${PersonView} key=${one.key} person=${one} onPoint=${onPoint}
      onGroup=${(key) => choose("groups", key)} />`}
  </div>`;
}

function Picks({ found, side, one, onChoose }) {
  const more = found.length - LISTED;
  return html`<ul
    class="picks"
    aria-label=${SIDES[side].title}
    onKeyDown=${(event) => moveFocus(event, "button")}
  >
    ${found.slice(0, LISTED).map((other) => {
      const [lost, gained] = [amount(other.lost, side), amount(other.gained, side)];
      return html`<li key=${other.key}>
        <button type="button" aria-current=${other === one ? "true" : null} onClick=${() => onChoose(other.key)}>
          <bdi class="name">${other.name}</bdi>
          <span class="remove">${lost > 0 && `−${digits(lost)}`}</span>
          <span class="create">${gained > 0 && `+${digits(gained)}`}</span>
        </button>
      </li>`;
    })}
    ${more > 0 && html`<li class="more">and ${digits(more)} more: search for them</li>`}
    ${found.length === 0 && html`<li class="more">None has this in its name.</li>`}
  </ul>`;
}

/** @returns how many people a group, or how many groups a person, gains or loses. */
function amount(changes, side) {
  return side === "people" ? changes.length : changes.reduce((sum, access) => sum + access.users.length, 0);
}

/** Put those first who are left without any group, then who loses most, then who gains most. */
function heavierFirst(one, other, side) {
  const by = (which) => amount(other[which], side) - amount(one[which], side);
  const last = Number(other.last ?? false) - Number(one.last ?? false);
  return last || by("lost") || by("gained") || one.name.localeCompare(other.name);
}

function GroupView({ group, plan, onPoint, onPerson }) {
  const rows = (changes) =>
    changes.flatMap((access) =>
      access.users.map((key) => ({ key, name: plan.nameOf(key), access, edge: edgeOf(access, key) })),
    );
  const shared = { head: "Person", onPoint, onName: onPerson };
  return html`<article class="view" aria-label="Group ${group.name}">
    <h3>group <bdi>${group.name}</bdi></h3>
    <p class="before-after">${beforeAfter(group, "person", "people")}</p>
    <${AccessTable} ...${shared} title="Lose access" tone="remove" rows=${rows(group.lost)} />
    <${AccessTable} ...${shared} title="Gain access" tone="create" rows=${rows(group.gained)} />
    <${Kept} names=${group.kept} number=${keptNumber(group)} words="Keep access" />
    <${Pointer} steps=${group.steps} about=${group.name} onPoint=${onPoint} />
  </article>`;
}

function PersonView({ person, onPoint, onGroup }) {
  const rows = (changes) =>
    changes.map(({ group, access }) => ({ ...group, access, edge: edgeOf(access, person.key) }));
  const shared = { head: "Group", onPoint, onName: onGroup };
  return html`<article class="view" aria-label="Person ${person.name}">
    <h3>
      user <bdi>${person.name}</bdi>
      ${person.last && html` <span class="mark high">left without any group</span>`}
      ${person.first && html` <span class="mark">first group</span>`}
    </h3>
    <p class="before-after">${beforeAfter(person, "group", "groups")}</p>
    <${AccessTable} ...${shared} title="Groups lost" tone="remove" rows=${rows(person.lost)} />
    <${AccessTable} ...${shared} title="Groups gained" tone="create" rows=${rows(person.gained)} />
    <${Kept} names=${person.kept} number=${keptNumber(person)} words="Groups kept" />
    <${Pointer} steps=${person.steps} about=${person.name} onPoint=${onPoint} />
  </article>`;
}

/** @returns how many there are before and after, where both are known. */
function beforeAfter({ before, after }, noun, many) {
  if (before === null || after === null) return "How many there are before and after is not known.";
  return html`<b>${digits(before)}</b> ${before === 1 ? noun : many} before, <b>${digits(after)}</b> after`;
}

/** @returns how many stay, where it is known: the names may be cut. */
function keptNumber({ after, gained, kept }) {
  if (after === null) return kept.length;
  const joined = gained.reduce((sum, change) => sum + (change.users?.length ?? 1), 0);
  return Math.max(kept.length, after - joined);
}

function AccessTable({ title, tone, rows, head, onPoint, onName }) {
  const [all, setAll] = useState(false);
  if (rows.length === 0) return null;
  const ruled = rows.some(({ edge }) => edge?.rule);
  const shown = all ? rows : rows.slice(0, ROWS);
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${title}>
    <table>
      <caption class=${tone}>${title}: ${digits(rows.length)}</caption>
      <thead><tr>
        <th scope="col">${head}</th>
        <th scope="col">By</th>
        <th scope="col">Why</th>
        ${ruled && html`<th scope="col">Rule</th>`}
      </tr></thead>
      <tbody>
        ${shown.map(({ key, name, access, edge }) => html`<tr>
          <th scope="row">
            <button class="link" type="button" onClick=${() => onName(key)}><bdi>${name}</bdi></button>
          </th>
          <td><${Cause} access=${access} onPoint=${onPoint} /></td>
          <td>${whyOf(access, edge)}</td>
          ${ruled && html`<td>${edge?.rule && html`<code>${edge.rule}</code>`}</td>`}
        </tr>`)}
      </tbody>
    </table>
    ${shown.length < rows.length && html`<p class="further">
      <button class="quiet" type="button" onClick=${() => setAll(true)}>Show all ${digits(rows.length)}</button>
    </p>`}
  </div>`;
}

/** By what it comes, with the way to the step that does it. */
function Cause({ access, onPoint }) {
  const { step, cause } = access;
  if (step === null) return cause;
  const point = () => onPoint([step], `the step “${step.id}”`);
  return html`<button class="link" type="button" onClick=${point}>${cause}</button>`;
}

/** @returns why, and which line says so. */
function whyOf(access, edge) {
  const note = edge?.note ? `# ${edge.note}` : "";
  return [edge?.why || access.step?.why, edge?.origin || access.step?.origin, note].filter(Boolean).join(", ");
}

function Kept({ names, number, words }) {
  if (number === 0) return null;
  const more = number - names.length;
  return html`<details class="kept">
    <summary>${words}: ${digits(number)}</summary>
    <ul class="names">
      ${names.map((name) => html`<li><bdi>${name}</bdi></li>`)}
      ${more > 0 && html`<li class="more">and ${digits(more)} more</li>`}
    </ul>
  </details>`;
}

/** The way from a group or person to the steps about it. */
function Pointer({ steps, about, onPoint }) {
  if (steps.length === 0) return null;
  const point = () => onPoint(steps, `steps about ${about}`);
  return html`<p class="further">
    <button class="quiet" type="button" onClick=${point}>Show ${counted(steps.length, "step")} about ${about}</button>
  </p>`;
}
