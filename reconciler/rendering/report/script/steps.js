// All steps: the search, the filters, and the list.

const SHOWN_AT_ONCE = 100;
const SHOWN_MORE = 500;
const SHOWN_AT_MOST = 2_000;

/** The steps with their search. `wanted` and `onWanted` are the page's, so that risks and access can point to steps. */
function Steps({ plan, wanted, onWanted, opened, onOpen }) {
  const [limit, setLimit] = useState(SHOWN_AT_ONCE);
  const printing = usePrinting();
  const list = useRef(null);
  const { found, numbers } = useMemo(() => search(plan.steps, wanted), [wanted]);
  const shown = printing ? found : found.slice(0, limit);

  useEffect(() => setLimit(SHOWN_AT_ONCE), [wanted]);
  const want = (part) => onWanted({ ...wanted, ...part });

  if (plan.steps.length === 0) return html`<p class="empty">There are no steps.</p>`;
  return html`<div>
    <${Filters} plan=${plan} wanted=${wanted} numbers=${numbers} want=${want} list=${list} />
    <div class="found">
      <p role="status" aria-live="polite">
        ${amountFound(plan, wanted, found)}
        ${shown.length < found.length && `, the first ${digits(shown.length)} shown`}
      </p>
      ${wanted.only !== null && html`<p class="only">Only ${wanted.only.words}</p>`}
      ${isNarrowed(wanted) && html`<button class="quiet" type="button" onClick=${() => onWanted(EVERYTHING)}>
        Clear all filters
      </button>`}
    </div>
    ${found.length === 0 && html`<p class="empty">No step has all of this. Fewer words or filters find more.</p>`}
    <ol
      class=${shown.length > SHOWN_AT_ONCE ? "steps many" : "steps"}
      ref=${list}
      onKeyDown=${(event) => moveFocus(event, "summary")}
    >
      ${shown.map(
        (step) => html`<${Step} key=${step.index} step=${step} open=${opened.has(step.index)} onOpen=${onOpen} />`,
      )}
    </ol>
    <${Further} found=${found.length} shown=${shown.length} onLimit=${setLimit} />
  </div>`;
}

function amountFound(plan, wanted, found) {
  if (isNarrowed(wanted)) return html`<b>${digits(found.length)}</b> of ${counted(plan.steps.length, "step")}`;
  return html`<b>${digits(plan.steps.length)}</b> ${plan.steps.length === 1 ? "step" : "steps"}`;
}

/** The way to what was found and is not shown. */
function Further({ found, shown, onLimit }) {
  if (shown === found) return null;
  const more = Math.min(SHOWN_MORE, found - shown);
  return html`<p class="further">
    <button type="button" onClick=${() => onLimit(shown + more)}>Show ${digits(more)} more</button>
    ${" "}
    ${found <= SHOWN_AT_MOST && html`<button class="quiet" type="button" onClick=${() => onLimit(Infinity)}>
      Show all ${digits(found)}
    </button>`}
  </p>`;
}

function Filters({ plan, wanted, numbers, want, list }) {
  // Thousands of options are made once: what is the same object is not looked at again.
  const groups = useMemo(
    () => groupsOf(plan).map(([key, name]) => html`<option key=${key} value=${String(key)}>${name}</option>`),
    [],
  );
  const pressed = (event) => {
    if (event.key === "Escape" && wanted.words !== "") {
      event.preventDefault();
      want({ words: "" });
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      list.current?.querySelector("summary")?.focus();
    }
  };
  return html`<form class="filters" role="search" aria-label="Steps" onSubmit=${(event) => event.preventDefault()}>
    <div class="asked">
      <div class="field">
        <label for="search">Search <kbd>/</kbd></label>
        <input
          id="search"
          type="search"
          autocomplete="off"
          spellcheck=${false}
          placeholder="A name, an attribute, a file, a reason"
          value=${wanted.words}
          onInput=${(event) => want({ words: event.currentTarget.value })}
          onKeyDown=${pressed}
        />
      </div>
      ${groups.length > 0 && html`<div class="field">
        <label for="group">Group</label>
        <select id="group" value=${wanted.group} onChange=${(event) => want({ group: event.currentTarget.value })}>
          <option value="">All groups and users</option>
          ${groups}
        </select>
      </div>`}
    </div>
    <div class="choices">
      ${TRAITS.map(
        (trait) => html`<${Choices}
          key=${trait.name}
          plan=${plan}
          trait=${trait}
          chosen=${wanted[trait.name]}
          numbers=${numbers[trait.name]}
          want=${want}
        />`,
      )}
    </div>
  </form>`;
}

/** One filter: a box to tick for every value of a trait that some step has. */
function Choices({ plan, trait, chosen, numbers, want }) {
  const values = useMemo(() => [...new Set(plan.steps.flatMap(trait.of))], []);
  const isRisk = trait.name === "risk";
  if (values.length < (isRisk ? 1 : 2)) return null;
  if (isRisk) values.sort((one, other) => one - other);
  const toggle = (value) => {
    const others = chosen.filter((one) => one !== value);
    want({ [trait.name]: others.length < chosen.length ? others : [...chosen, value] });
  };
  return html`<fieldset>
    <legend>${trait.title}</legend>
    ${values.map(
      (value) => html`<label key=${value} class=${numbers.has(value) ? "choice" : "choice none"}>
        <input type="checkbox" checked=${chosen.includes(value)} onChange=${() => toggle(value)} />
        <span>${isRisk ? plan.risks[value] : value} <b>${digits(numbers.get(value) ?? 0)}</b></span>
      </label>`,
    )}
  </fieldset>`;
}

/** @returns the groups that some step is about, by name. */
function groupsOf(plan) {
  const keys = new Set(plan.steps.map((step) => step.group).filter((key) => key !== null));
  return [...keys].map((key) => [key, plan.nameOf(key)]).sort(([, one], [, other]) => one.localeCompare(other));
}

/** Move the focus up and down among elements of one sort with the arrow keys. */
function moveFocus(event, selector) {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (by === undefined || !event.target.matches(selector)) return;
  event.preventDefault();
  const all = [...event.currentTarget.querySelectorAll(selector)];
  all[all.indexOf(event.target) + by]?.focus();
}

/** @returns whether the page is being printed: then all that was found is on it. */
function usePrinting() {
  const [printing, setPrinting] = useState(false);
  useEffect(() => {
    const media = matchMedia("print");
    const changed = () => setPrinting(media.matches);
    const begins = () => setPrinting(true);
    const ends = () => setPrinting(false);
    media.addEventListener("change", changed);
    addEventListener("beforeprint", begins);
    addEventListener("afterprint", ends);
    return () => {
      media.removeEventListener("change", changed);
      removeEventListener("beforeprint", begins);
      removeEventListener("afterprint", ends);
    };
  }, []);
  return printing;
}
