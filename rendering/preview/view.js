/* The message that is chosen, with what can be seen of it. */

function viewOf(campaign, person, message) {
  return message && { campaign, person, message, html: message.html.map((at) => campaign.pieces[at]).join("") };
}

function current() {
  const entry = entries.find((each) => each.campaign.name === state.campaign && each.person.person_id === state.person);
  if (!entry) return null;
  const message = entry.messages.find((each) => each.variant === state.variant) || entry.messages[0];
  return message ? { ...viewOf(entry.campaign, entry.person, message), entry } : null;
}

function others(view) {
  const { campaign, message, person } = view;
  const before = message.before
    ? [{ key: "before", label: data.before.told, view: viewOf(campaign, person, message.before) }]
    : [];
  const variants = view.entry.messages
    .filter((each) => each !== message)
    .map((each) => ({
      key: `variant/${each.variant}`,
      label: `variant ${spoken(each.variant)}`,
      view: viewOf(campaign, person, each),
    }));
  const people = entries
    .filter((each) => each.campaign === campaign && each.person !== person && each.messages.length)
    .map((each) => ({
      key: `person/${each.person.person_id}`,
      label: `${nameOf(each.person)} · ${each.person.person_id.slice(0, 6)}`,
      view: viewOf(
        campaign,
        each.person,
        each.messages.find((one) => one.variant === message.variant) || each.messages[0],
      ),
    }));
  const groups = [
    ["Earlier version", before],
    ["Other variants", variants],
    ["Other people", people],
  ].filter(([, options]) => options.length);
  const all = groups.flatMap(([, options]) => options);
  const chosen = all.find((each) => each.key === state.other) || all[0];
  return {
    groups: groups.map(([label, options]) => ({ label, options })),
    ...(chosen || { key: "", label: "", view: null }),
  };
}

function drawMain() {
  const main = $("main");
  const campaign = data.campaigns.find((each) => each.name === state.campaign);
  const view = current();
  const back = el("button", { type: "button", className: "back quiet-button" }, "← Messages");
  back.addEventListener("click", () => showList(true));
  if (!campaign)
    return main.replaceChildren(
      back,
      el("p", { className: "empty" }, "Nothing is shown: no campaign has anybody to show."),
    );
  const crumbs = el(
    "p",
    { className: "crumbs" },
    back,
    el("a", { href: address(campaign.name) }, campaign.title),
    view ? el("span", { dir: "auto" }, nameOf(view.person)) : null,
  );
  if (!view) {
    document.title = `${campaign.title}, preview`;
    return main.replaceChildren(
      crumbs,
      el("h1", {}, campaign.title),
      el("div", { className: "panel overview" }, overviewPanel(campaign).flat().filter(Boolean)),
    );
  }
  document.title = `${view.message.subject || campaign.title}, preview`;
  main.replaceChildren(crumbs, heading(view), toolbar(view), tabs(), panel(view));
}

function heading(view) {
  const { message, person } = view;
  const change = { changed: badge("changed since the version before", "held"), new: badge("new", "held") }[
    message.change
  ];
  return el(
    "div",
    { className: "heading" },
    el("h1", { dir: "auto" }, message.subject || "Cannot be rendered"),
    el(
      "p",
      { className: "to" },
      badge(person.standing, STANDINGS[person.standing]),
      change,
      el("span", { dir: "auto" }, `${nameOf(person)}, ${person.address}`),
      el("span", { className: "reason" }, spoken(person.reason)),
    ),
    message.problem
      ? el("p", { className: "problem card", role: "alert" }, `It cannot be rendered: ${message.problem}`)
      : null,
    view.campaign.problems.length
      ? el("p", { className: "problem card" }, `The campaign may not leave: ${view.campaign.problems[0]}`)
      : null,
  );
}

function segmented(label, options, chosen, onChoose) {
  const group = el("div", { className: "segmented", role: "group", "aria-label": label });
  group.append(
    ...options.map(([value, text]) => {
      const button = el(
        "button",
        { type: "button", "aria-pressed": String(value === chosen), dataset: { value } },
        text,
      );
      button.addEventListener("click", () => onChoose(value));
      return button;
    }),
  );
  return group;
}

/* Changes how messages are shown, and keeps the focus on what was pressed. */
function change(name, pressed) {
  return (value) => {
    state[name] = pressed ? value === pressed : value;
    drawMain();
    const button = document.querySelector(`.toolbar [data-value="${value}"]`);
    if (button) button.focus({ preventScroll: true });
  };
}

const colors = () =>
  segmented(
    "Colors",
    [
      ["light", "Light"],
      ["dark", "Dark"],
    ],
    state.scheme,
    change("scheme"),
  );

function toolbar(view) {
  const { campaign, message, person } = view;
  const variants = view.campaign.variants.map((name) => [
    name,
    name === person.variant ? `${spoken(name)} ✓` : spoken(name),
  ]);
  const isFramed = state.tab === "message" || state.tab === "compare";
  return el(
    "div",
    { className: "toolbar" },
    variants.length > 1
      ? segmented(
          "Variant",
          variants,
          message.variant,
          (value) => (location.hash = address(campaign.name, person.person_id, value, state.tab)),
        )
      : null,
    state.tab === "message"
      ? segmented(
          "Width",
          [
            ["both", "Both"],
            ["desktop", "Desktop"],
            ["phone", "Phone"],
          ],
          state.width,
          change("width"),
        )
      : null,
    isFramed ? colors() : null,
    isFramed
      ? segmented(
          "Length",
          [
            ["full", "Full length"],
            ["screen", "Screen"],
          ],
          state.isFull ? "full" : "screen",
          change("isFull", "full"),
        )
      : null,
    sizeMeter(message, data.budget),
  );
}

function tabs() {
  const list = el("div", { className: "tabs", role: "tablist", "aria-label": "What to see of the message" });
  for (const [name, label] of TABS) {
    const isChosen = name === state.tab;
    const tab = el(
      "button",
      {
        type: "button",
        role: "tab",
        id: `tab-${name}`,
        "aria-selected": String(isChosen),
        "aria-controls": "panel",
        tabIndex: isChosen ? 0 : -1,
      },
      label,
    );
    tab.addEventListener("click", () => go({ tab: name }));
    list.append(tab);
  }
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = TABS.findIndex(([name]) => name === state.tab);
    go({ tab: TABS[(at + step + TABS.length) % TABS.length][0] });
  });
  return list;
}

function panel(view) {
  const made = el("div", {
    className: `panel ${state.tab}`,
    id: "panel",
    role: "tabpanel",
    "aria-labelledby": `tab-${state.tab}`,
  });
  if (!view.message.html.length && state.tab !== "why") {
    made.append(el("p", { className: "empty" }, "There is no message to see; Why has what it was to be made of."));
    return made;
  }
  const draw = {
    message: () => messagePanel(view, state),
    text: () => textPanel(view),
    links: () => linksPanel(view),
    headers: () => headersPanel(view),
    why: () => whyPanel(view),
    compare: () =>
      comparePanel(view, others(view), state, (key) => {
        state.other = key;
        drawMain();
        $("other").focus();
      }),
  };
  made.append(...[draw[state.tab]()].flat());
  return made;
}
