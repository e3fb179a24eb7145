/* Addresses, keys and the beginning. */

function go(change) {
  const next = { campaign: state.campaign, person: state.person, variant: state.variant, tab: state.tab, ...change };
  const view = current();
  const variant = next.variant || (view ? view.message.variant : "default");
  const focus =
    change.tab && change.tab !== state.tab && document.activeElement && document.activeElement.role === "tab";
  if (focus) state.focus = `tab-${next.tab}`;
  location.hash = address(next.campaign, next.person, variant, next.tab);
}

function read() {
  if (location.hash && !location.hash.startsWith("#/")) return;
  const [campaign, person, variant, tab] = parts(location.hash);
  const isOther = campaign !== state.campaign || person !== state.person;
  state.campaign = campaign || "";
  state.person = person || "";
  state.variant = variant || "";
  if (tab && TABS.some(([name]) => name === tab)) state.tab = tab;
  if (isOther) state.other = "";
  if (!campaign && data.campaigns.length)
    state.campaign = (data.campaigns.find((each) => each.messages.length) || data.campaigns[0]).name;
  showList(!campaign);
  drawMain();
  markCurrent();
  if (state.focus && $(state.focus)) $(state.focus).focus();
  state.focus = "";
  if (isOther) {
    $("main").scrollTop = 0;
    window.scrollTo(0, 0);
  }
}

function parts(hash) {
  try {
    return hash.slice(2).split("/").map(decodeURIComponent);
  } catch {
    return [""]; // an address that was cut short
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
  $("theme").addEventListener("click", () =>
    setTheme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length]),
  );
  $("help").addEventListener("click", () => $("keys").showModal());
  $("campaign").append(
    el("option", { value: "" }, "All campaigns"),
    ...data.campaigns.map((each) => el("option", { value: each.name }, each.title)),
  );
  $("campaign").addEventListener("change", () => {
    state.only = $("campaign").value;
    drawList();
  });
  $("search").addEventListener("input", drawList);
  $("search").addEventListener("keydown", (event) => {
    const first = $("list").querySelector("a.item");
    if (event.key === "Enter" && first) location.hash = first.getAttribute("href");
  });
  $("filters").append(
    ...FILTERS.map(([value, label]) => {
      const chip = el(
        "button",
        { type: "button", className: "chip", "aria-pressed": String(value === state.filter) },
        label,
      );
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
