/* The gallery's state, its list, its addresses and its keys. */

const data = JSON.parse(document.getElementById("data").textContent);
const TABS = [["message", "Message"], ["text", "Text"], ["links", "Links"], ["headers", "Headers"], ["why", "Why"], ["compare", "Compare"]];
const FILTERS = [["all", "All"], ["gets", "Gets it"], ["not", "Does not"], ["fallback", "Fallbacks"], ["problems", "Problems"]];
if (data.before) FILTERS.push(["changed", "Changed"]);

const state = { campaign: "", person: "", variant: "", tab: "message", other: "", width: "both", scheme: "light", isFull: true, filter: "all", only: "" };
const $ = (id) => document.getElementById(id);
const address = (...parts) => `#/${parts.filter(Boolean).map(encodeURIComponent).join("/")}`;

/* An entry is a person in a campaign, with their messages of all variants; the one that they get comes first. */
const entries = data.campaigns.flatMap((campaign) =>
  campaign.people.map((person) => {
    const messages = campaign.messages.filter((each) => each.person_id === person.person_id);
    messages.sort((a, b) => (b.variant === person.variant) - (a.variant === person.variant));
    const sought = [campaign.name, campaign.title, nameOf(person), person.address, person.person_id, person.reason, ...messages.flatMap((each) => [each.subject, each.snippet, each.text])];
    return { campaign, person, messages, sought: sought.join("\n").toLocaleLowerCase() };
  }),
);

function isShown(entry) {
  const { person, messages } = entry;
  const wanted = $("search").value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  if (state.only && entry.campaign.name !== state.only) return false;
  if (state.filter === "gets" && person.standing !== "gets it") return false;
  if (state.filter === "not" && person.standing === "gets it") return false;
  if (state.filter === "fallback" && !messages.some((each) => each.tokens.some((token) => token.is_fallback))) return false;
  if (state.filter === "problems" && !messages.some(hasProblem) && !entry.campaign.problems.length) return false;
  if (state.filter === "changed" && !messages.some((each) => each.change === "changed" || each.change === "new")) return false;
  return wanted.every((word) => entry.sought.includes(word));
}

const hasProblem = (message) => message.problem !== null || message.html_bytes > data.budget;

function drawList() {
  const shown = entries.filter(isShown);
  const list = $("list");
  const groups = data.campaigns
    .filter((campaign) => !state.only || campaign.name === state.only)
    .map((campaign) => ({ campaign, own: shown.filter((entry) => entry.campaign === campaign) }))
    .filter(({ campaign, own }) => own.length || (!$("search").value && state.filter === "all") || (state.filter === "problems" && campaign.problems.length));
  list.replaceChildren(
    ...groups.map(({ campaign, own }) =>
      el(
        "section",
        {},
        el("h2", {}, el("a", { href: address(campaign.name), className: campaign.problems.length ? "has-problem" : "" }, campaign.title), el("span", {}, campaign.audience.toLocaleString("en"))),
        el("ul", {}, own.map((entry) => el("li", {}, item(entry)))),
      ),
    ),
  );
  $("found").textContent = shown.length === entries.length ? `${entries.length} people shown` : `${shown.length} of ${entries.length} people`;
  markCurrent();
}

function item(entry) {
  const { campaign, person, messages } = entry;
  const changed = messages.some((each) => each.change === "changed") ? badge("changed", "held") : null;
  const broken = messages.some(hasProblem) ? badge("problem", "bad") : null;
  const subject = messages.length && messages[0].subject;
  return el(
    "a",
    { href: address(campaign.name, person.person_id), className: "item", dataset: { key: `${campaign.name}/${person.person_id}` } },
    el("span", { className: `dot ${STANDINGS[person.standing]}`, title: person.standing, role: "img", "aria-label": person.standing }),
    el("span", { className: "who" }, el("span", { className: "name", dir: "auto" }, nameOf(person)), changed, broken),
    el("span", { className: "subject", dir: "auto" }, subject || "Cannot be rendered"),
    el("span", { className: "address" }, `${person.address} · ${person.person_id.slice(0, 6)}`),
  );
}

function markCurrent() {
  for (const link of $("list").querySelectorAll("a.item")) {
    const isCurrent = link.dataset.key === `${state.campaign}/${state.person}`;
    if (isCurrent) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
    if (isCurrent) link.scrollIntoView({ block: "nearest" });
  }
}

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
  const before = message.before ? [{ key: "before", label: data.before.told, view: viewOf(campaign, person, message.before) }] : [];
  const variants = view.entry.messages
    .filter((each) => each !== message)
    .map((each) => ({ key: `variant/${each.variant}`, label: `variant ${spoken(each.variant)}`, view: viewOf(campaign, person, each) }));
  const people = entries
    .filter((each) => each.campaign === campaign && each.person !== person && each.messages.length)
    .map((each) => ({
      key: `person/${each.person.person_id}`,
      label: `${nameOf(each.person)} · ${each.person.person_id.slice(0, 6)}`,
      view: viewOf(campaign, each.person, each.messages.find((one) => one.variant === message.variant) || each.messages[0]),
    }));
  const groups = [["Earlier version", before], ["Other variants", variants], ["Other people", people]].filter(([, options]) => options.length);
  const all = groups.flatMap(([, options]) => options);
  const chosen = all.find((each) => each.key === state.other) || all[0];
  return { groups: groups.map(([label, options]) => ({ label, options })), ...(chosen || { key: "", label: "", view: null }) };
}

function drawMain() {
  const main = $("main");
  const campaign = data.campaigns.find((each) => each.name === state.campaign);
  const view = current();
  const back = el("button", { type: "button", className: "back quiet-button" }, "← Messages");
  back.addEventListener("click", () => showList(true));
  if (!campaign) return main.replaceChildren(back, el("p", { className: "empty" }, "Nothing is shown: no campaign has anybody to show."));
  const crumbs = el("p", { className: "crumbs" }, back, el("a", { href: address(campaign.name) }, campaign.title), view ? el("span", { dir: "auto" }, nameOf(view.person)) : null);
  if (!view) {
    document.title = `${campaign.title}, preview`;
    return main.replaceChildren(crumbs, el("h1", {}, campaign.title), el("div", { className: "panel" }, overviewPanel(campaign).flat().filter(Boolean)));
  }
  document.title = `${view.message.subject || campaign.title}, preview`;
  main.replaceChildren(crumbs, heading(view), toolbar(view), tabs(), panel(view));
}

function heading(view) {
  const { message, person } = view;
  const change = { changed: badge("changed since the version before", "held"), new: badge("new", "held") }[message.change];
  return el(
    "div",
    { className: "heading" },
    el("h1", { dir: "auto" }, message.subject || "Cannot be rendered"),
    el("p", { className: "to" }, badge(person.standing, STANDINGS[person.standing]), change, el("span", { dir: "auto" }, `${nameOf(person)}, ${person.address}`), el("span", { className: "reason" }, spoken(person.reason))),
    message.problem ? el("p", { className: "problem card", role: "alert" }, `It cannot be rendered: ${message.problem}`) : null,
    view.campaign.problems.length ? el("p", { className: "problem card" }, `The campaign may not leave: ${view.campaign.problems[0]}`) : null,
  );
}

function segmented(label, options, chosen, onChoose) {
  const group = el("div", { className: "segmented", role: "group", "aria-label": label });
  group.append(
    ...options.map(([value, text]) => {
      const button = el("button", { type: "button", "aria-pressed": String(value === chosen), dataset: { value } }, text);
      button.addEventListener("click", () => onChoose(value));
      return button;
    }),
  );
  return group;
}

function toolbar(view) {
  const { campaign, message, person } = view;
  const variants = view.campaign.variants.map((name) => [name, name === person.variant ? `${spoken(name)} ✓` : spoken(name)]);
  const change = (name) => (value) => {
    state[name] = value;
    drawMain();
    const pressed = document.querySelector(`.toolbar [data-value="${value}"]`);
    if (pressed) pressed.focus({ preventScroll: true });
  };
  const isFramed = state.tab === "message" || state.tab === "compare";
  return el(
    "div",
    { className: "toolbar" },
    variants.length > 1 ? segmented("Variant", variants, message.variant, (value) => (location.hash = address(campaign.name, person.person_id, value, state.tab))) : null,
    state.tab === "message" ? segmented("Width", [["both", "Both"], ["desktop", "Desktop"], ["phone", "Phone"]], state.width, change("width")) : null,
    isFramed ? segmented("Colors", [["light", "Light"], ["dark", "Dark"]], state.scheme, change("scheme")) : null,
    isFramed ? segmented("Length", [["full", "Full length"], ["screen", "Screen"]], state.isFull ? "full" : "screen", (value) => { state.isFull = value === "full"; change("length")(value); }) : null,
    sizeMeter(message, data.budget),
  );
}

function tabs() {
  const list = el("div", { className: "tabs", role: "tablist", "aria-label": "What to see of the message" });
  for (const [name, label] of TABS) {
    const isChosen = name === state.tab;
    const tab = el("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-selected": String(isChosen), "aria-controls": "panel", tabIndex: isChosen ? 0 : -1 }, label);
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
  const made = el("div", { className: `panel ${state.tab}`, id: "panel", role: "tabpanel", "aria-labelledby": `tab-${state.tab}` });
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
    compare: () => comparePanel(view, others(view), state, (key) => { state.other = key; drawMain(); $("other").focus(); }),
  };
  made.append(...[draw[state.tab]()].flat());
  return made;
}

function go(change) {
  const next = { campaign: state.campaign, person: state.person, variant: state.variant, tab: state.tab, ...change };
  const view = current();
  const variant = next.variant || (view ? view.message.variant : "default");
  const focus = change.tab && change.tab !== state.tab && document.activeElement && document.activeElement.role === "tab";
  location.hash = address(next.campaign, next.person, variant, next.tab);
  if (focus) requestAnimationFrame(() => $(`tab-${next.tab}`) && $(`tab-${next.tab}`).focus());
}

function read() {
  if (location.hash && !location.hash.startsWith("#/")) return;
  const [campaign, person, variant, tab] = location.hash.slice(2).split("/").map(decodeURIComponent);
  const isOther = campaign !== state.campaign || person !== state.person;
  state.campaign = campaign || "";
  state.person = person || "";
  state.variant = variant || "";
  if (tab && TABS.some(([name]) => name === tab)) state.tab = tab;
  if (isOther) state.other = "";
  if (!campaign && entries.length) {
    state.campaign = entries[0].campaign.name;
    state.person = entries[0].person.person_id;
  } else if (!campaign && data.campaigns.length) state.campaign = data.campaigns[0].name;
  showList(!campaign);
  drawMain();
  markCurrent();
  if (isOther) {
    $("main").scrollTop = 0;
    window.scrollTo(0, 0);
  }
}

/* On a narrow screen, either the list is there or the message. */
function showList(isShown) {
  document.body.classList.toggle("listing", isShown);
}

function step(by) {
  const links = [...$("list").querySelectorAll("a.item")];
  const at = links.findIndex((link) => link.getAttribute("aria-current"));
  const next = links[at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + by))];
  if (!next) return;
  location.hash = next.getAttribute("href");
  next.focus({ preventScroll: true });
}

function toast(text) {
  const shown = $("toast");
  shown.textContent = text;
  shown.classList.add("shown");
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => shown.classList.remove("shown"), 4000);
}

const THEMES = ["auto", "light", "dark"];

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  $("theme").textContent = `Theme: ${theme}`;
  try {
    localStorage.setItem("sincerely-theme", theme);
  } catch {
    // A browser may keep nothing for files: then the theme lasts as long as the page.
  }
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isWriting = event.target.matches("input, select, textarea");
  if (event.key === "Escape") {
    if (document.activeElement === $("search")) $("search").blur();
    return showList(true);
  }
  if (isWriting || $("keys").open) return;
  const cycle = (name, values) => {
    state[name] = values[(values.indexOf(state[name]) + 1) % values.length];
    drawMain();
  };
  const view = current();
  const keys = {
    "/": () => $("search").focus(),
    j: () => step(1),
    k: () => step(-1),
    d: () => cycle("scheme", ["light", "dark"]),
    w: () => cycle("width", ["both", "desktop", "phone"]),
    l: () => cycle("isFull", [true, false]),
    v: () => {
      const names = view ? view.campaign.variants : [];
      if (names.length) go({ variant: names[(names.indexOf(view.message.variant) + 1) % names.length] });
    },
    "?": () => $("keys").showModal(),
  };
  const digit = Number(event.key);
  if (digit >= 1 && digit <= TABS.length && view) go({ tab: TABS[digit - 1][0] });
  else if (keys[event.key]) keys[event.key]();
  else return;
  event.preventDefault();
}

function start() {
  let theme = "auto";
  try {
    theme = localStorage.getItem("sincerely-theme") || "auto";
  } catch {
    // Likewise.
  }
  setTheme(THEMES.includes(theme) ? theme : "auto");
  if (matchMedia("(max-width: 820px)").matches) state.width = "phone";
  $("theme").addEventListener("click", () => setTheme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length]));
  $("help").addEventListener("click", () => $("keys").showModal());
  $("campaign").append(el("option", { value: "" }, "All campaigns"), ...data.campaigns.map((each) => el("option", { value: each.name }, each.title)));
  $("campaign").addEventListener("change", () => { state.only = $("campaign").value; drawList(); });
  $("search").addEventListener("input", drawList);
  $("search").addEventListener("keydown", (event) => {
    const first = $("list").querySelector("a.item");
    if (event.key === "Enter" && first) location.hash = first.getAttribute("href");
  });
  $("filters").append(
    ...FILTERS.map(([value, label]) => {
      const chip = el("button", { type: "button", className: "chip", "aria-pressed": String(value === state.filter) }, label);
      chip.addEventListener("click", () => {
        state.filter = value;
        for (const each of $("filters").children) each.setAttribute("aria-pressed", String(each === chip));
        drawList();
      });
      return chip;
    }),
  );
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", read);
  drawList();
  read();
}

start();
