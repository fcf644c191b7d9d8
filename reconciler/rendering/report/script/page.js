// The page as a whole: what is wanted and what is open, the colours, and the keys.

function start() {
  const plan = readPlan(document.getElementById("plan").textContent);
  const section = document.getElementById("steps");
  const list = document.getElementById("list");
  let state = { wanted: EVERYTHING, opened: new Set() };

  const change = (part) => {
    state = { ...state, ...part };
    const want = (wanted) => change({ wanted });
    render(html`<${Steps} plan=${plan} ...${state} onWanted=${want} onOpen=${openOrFold} />`, list);
  };
  const openOrFold = (index, open) => {
    const opened = new Set(state.opened);
    if (open) opened.add(index);
    else opened.delete(index);
    change({ opened });
  };
  /** Show some steps alone; a single one is opened. */
  const point = (steps, words) => {
    const only = { steps: new Set(steps.map((step) => step.index)), words };
    change({ wanted: { ...EVERYTHING, only }, opened: new Set(steps.length === 1 ? only.steps : []) });
    section.scrollIntoView();
    section.querySelector("summary")?.focus({ preventScroll: true });
  };

  change({});
  render(html`<${Explorer} plan=${plan} onPoint=${point} />`, document.getElementById("explorer"));
  for (const button of document.querySelectorAll("[data-risk]")) {
    const risk = Number(button.dataset.risk);
    button.hidden = false;
    const steps = plan.steps.filter((step) => step.risks.includes(risk));
    button.addEventListener("click", () => point(steps, plan.risks[risk]));
  }
  prepareSearch(plan.steps);
  switchColours(document.getElementById("theme"));
  listenForKeys();
}

/** Let a button turn light to dark and back; until it is used, the page follows the system. */
function switchColours(button) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const name = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", isDark() ? "Use light colours" : "Use dark colours");
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    name();
  });
  system.addEventListener("change", name);
  button.hidden = false;
  name();
}

/** A slash goes to the search, wherever nothing is being typed. */
function listenForKeys() {
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const field = document.getElementById("search");
    if (field === null) return;
    event.preventDefault();
    field.scrollIntoView({ block: "center" });
    field.focus({ preventScroll: true });
    field.select();
  });
}

start();
