// The plan as the page holds it: rows of numbers become objects whose texts are ready to show.

/** @returns the steps, groups, people and risks of the plan. */
function readPlan(source) {
  const raw = JSON.parse(source);
  const text = (number) => (number === null ? "" : raw.texts[number]);
  const name = (number) => raw.texts[raw.names[number]];
  const fromRow = (columns, row) => Object.fromEntries(columns.map((column, index) => [column, row[index]]));
  const texts = (object, ...columns) => {
    for (const column of columns) object[column] = text(object[column]);
    return object;
  };

  const change = (row) => {
    const object = texts(fromRow(raw.columns.change, row), "path", "before", "after", "origin");
    return { ...object, identity: object.identity === 1, details: object.details.map(text) };
  };

  const member = (row) => {
    const object = texts(fromRow(raw.columns.member, row), "kind", "why", "rule", "origin", "note");
    return { ...object, key: object.name, name: name(object.name) };
  };

  const step = (row, index) => {
    const object = texts(fromRow(raw.columns.step, row), "id", "action", "kind", "why", "origin", "note");
    return {
      ...object,
      index,
      key: object.name,
      name: name(object.name),
      reasons: object.reasons.map(text),
      changes: object.changes.map(change),
      members: object.members.map(member),
      facts: object.facts.map(([label, value]) => [text(label), text(value)]),
    };
  };

  const access = (row) => {
    const object = texts(fromRow(raw.columns.access, row), "cause");
    return { ...object, step: object.step === null ? null : steps[object.step] };
  };

  const group = (row) => {
    const object = fromRow(raw.columns.group, row);
    return {
      ...object,
      key: object.name,
      name: name(object.name),
      gained: object.gained.map(access),
      lost: object.lost.map(access),
      steps: object.steps.map((index) => steps[index]),
    };
  };

  const person = (row) => {
    const object = fromRow(raw.columns.person, row);
    return {
      ...object,
      key: object.name,
      name: name(object.name),
      kept: object.kept.map(name),
      last: object.last === 1,
      first: object.first === 1,
      steps: object.steps.map((index) => steps[index]),
      gained: [],
      lost: [],
    };
  };

  const steps = raw.steps.map(step);
  const groups = raw.groups.map(group);
  const people = raw.people.map(person);
  tellPeople(groups, people);
  for (const one of groups) one.kept = one.kept.map(name);
  return { steps, groups, people, risks: raw.risks, nameOf: name };
}

/** Give every person the groups that she gains and loses: the effect tells them by group. */
function tellPeople(groups, people) {
  const byKey = new Map(people.map((person) => [person.key, person]));
  for (const group of groups) {
    for (const side of ["gained", "lost"]) {
      for (const access of group[side]) {
        for (const key of access.users) byKey.get(key)?.[side].push({ group, access });
      }
    }
  }
}

/** @returns the membership by which a person comes into a group or leaves it, or a group inside of it does. */
function edgeOf(access, userKey) {
  const { step, via } = access;
  if (step === null) return undefined;
  // Looked for once per step: thousands of people may be in one.
  step.users ??= new Map(step.members.filter(({ kind }) => kind === "user").map((member) => [member.key, member]));
  step.nested ??= step.members.filter(({ kind }) => kind === "group");
  return step.users.get(userKey) ?? step.nested.find((member) => via.includes(member.key));
}

/** @returns a number as people read it: "1,200". */
function digits(number) {
  return number.toLocaleString("en");
}

/** @returns a number with its noun: "1 step", "1,200 steps". */
function counted(number, noun, many = `${noun}s`) {
  return `${digits(number)} ${number === 1 ? noun : many}`;
}
