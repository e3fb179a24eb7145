/* A campaign at one look: everybody's message side by side, small, and what it does for whom. */

const THUMB_WIDTH = 184;
const THUMB_HEIGHT = 320;

function sheet(campaign) {
  const own = entries.filter((entry) => entry.campaign === campaign && entry.messages.length);
  // Frames are filled when they come into sight: a page of a hundred people opens as fast as one of ten.
  const sight = new IntersectionObserver(
    (seen) => {
      for (const each of seen.filter((one) => one.isIntersecting)) {
        sight.unobserve(each.target);
        each.target.fill();
      }
    },
    { rootMargin: "400px" },
  );
  return el(
    "ul",
    { className: "sheet", "aria-label": "Everybody who is shown" },
    own.map((entry) => {
      const message = entry.messages.find((each) => each.variant === state.variant) || entry.messages[0];
      return el("li", {}, thumb(viewOf(campaign, entry.person, message), sight));
    }),
  );
}

function thumb(view, sight) {
  const { campaign, message, person } = view;
  const scale = THUMB_WIDTH / WIDTHS.phone;
  const inner = el("iframe", { className: "message", tabIndex: -1, "aria-hidden": "true", title: "" });
  inner.setAttribute("sandbox", "allow-same-origin");
  inner.style.cssText = `width: ${WIDTHS.phone}px; height: ${THUMB_HEIGHT / scale}px; transform: scale(${scale}); color-scheme: ${state.scheme}`;
  const screen = el(
    "span",
    { className: `thumb ${state.scheme}` },
    message.html.length ? inner : el("span", { className: "note" }, "Cannot be rendered"),
  );
  screen.style.height = `${THUMB_HEIGHT}px`;
  screen.fill = () => (inner.srcdoc = framed(view.html, state.scheme === "dark"));
  if (message.html.length) sight.observe(screen);
  const shows = person.shows
    .filter((each) => !each.endsWith(": its own value"))
    .map(spoken)
    .join(", ");
  return el(
    "a",
    {
      href: address(campaign.name, person.person_id, message.variant, "message"),
      "aria-label": `${nameOf(person)}, ${person.standing}: ${message.subject || "cannot be rendered"}`,
    },
    screen,
    el(
      "span",
      { className: "who" },
      el("span", { className: `dot ${STANDINGS[person.standing]}`, title: person.standing }),
      el("span", { className: "name", dir: "auto" }, nameOf(person)),
      message.change === "changed" ? badge("changed", "held") : null,
    ),
    el("span", { className: "shows" }, shows || spoken(person.reason)),
  );
}

function overviewPanel(campaign) {
  const facts = campaign.sender
    ? el(
        "p",
        {},
        `${campaign.audience.toLocaleString("en")} people get it today (${campaign.occurrence}), purpose ${spoken(campaign.purpose)}${campaign.segments.length ? `, from ${campaign.segments.map(spoken).join(", ")}` : ""}.`,
      )
    : null;
  const kinds = [
    ["slot", "Rules by outcome"],
    ["token", "Fields by outcome"],
  ];
  return [
    facts,
    campaign.problems.length
      ? el(
          "section",
          { className: "card problem" },
          el("h2", {}, "It may not leave"),
          el(
            "ul",
            {},
            campaign.problems.map((each) => el("li", {}, each)),
          ),
        )
      : null,
    campaign.messages.length
      ? el(
          "div",
          { className: "toolbar" },
          campaign.variants.length > 1
            ? segmented(
                "Variant",
                [["", "Each their own"], ...campaign.variants.map((name) => [name, spoken(name)])],
                state.variant,
                change("variant"),
              )
            : null,
          colors(),
        )
      : null,
    campaign.messages.length ? sheet(campaign) : null,
    kinds.map(([kind, title]) => {
      const outcomes = campaign.outcomes.filter((each) => each.kind === kind);
      if (!outcomes.length) return null;
      return card(
        title,
        el(
          "ul",
          { className: "outcomes" },
          outcomes.map((each) => outcome(each, campaign)),
        ),
      );
    }),
    campaign.nobody.length
      ? card(
          "Nobody shows",
          el(
            "ul",
            { className: "tags" },
            campaign.nobody.map((each) => el("li", {}, spoken(each))),
          ),
          el(
            "p",
            { className: "note" },
            "Nobody with an address who did not ask to be left alone, in the audience or out of it.",
          ),
        )
      : null,
  ];
}

function outcome(each, campaign) {
  const share = campaign.audience ? each.people / campaign.audience : 0;
  const bar = el("span", { className: "fill" });
  bar.style.width = `${share * 100}%`;
  const words = `${spoken(each.name)}: ${spoken(each.value)}`;
  const shower = campaign.people.find((person) => person.shows.includes(`${each.name}: ${each.value}`));
  const label = shower ? el("a", { href: address(campaign.name, shower.person_id) }, words) : words;
  return el(
    "li",
    {},
    el("span", { className: "label" }, label),
    el("span", { className: "bar", "aria-hidden": "true" }, bar),
    el("span", { className: "count" }, each.people ? each.people.toLocaleString("en") : "only outside the audience"),
  );
}
