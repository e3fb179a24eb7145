/* Messages in frames: no script runs in them, nothing is fetched, and a click leads nowhere. */

const WIDTHS = { desktop: 680, phone: 390 };
const SCREEN_HEIGHT = 780;
const PLACEHOLDER =
  "data:image/svg+xml," +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" width="240" height="120" viewBox="0 0 240 120"><rect width="240" height="120" fill="#d7dde3"/><path d="M96 74l16-20 12 14 8-8 16 20H92z" fill="#8a97a5"/><circle cx="140" cy="44" r="8" fill="#8a97a5"/></svg>',
  );

/* The message for a frame. A colour scheme is shown by making its media queries always true, or never. */
function framed(html, isDark) {
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const style of page.querySelectorAll("style")) {
    style.textContent = style.textContent
      .replace(/\(\s*prefers-color-scheme\s*:\s*dark\s*\)/gi, isDark ? "(min-width: 0)" : "(max-width: -1px)")
      .replace(/\(\s*prefers-color-scheme\s*:\s*light\s*\)/gi, isDark ? "(max-width: -1px)" : "(min-width: 0)");
  }
  for (const picture of page.querySelectorAll("img[src]")) {
    if (picture.getAttribute("src").startsWith("data:")) continue;
    picture.title = `The picture is fetched when the message is read: ${picture.getAttribute("src")}`;
    picture.src = PLACEHOLDER;
    picture.removeAttribute("srcset");
  }
  for (const fetched of page.querySelectorAll("link, script, base, meta[http-equiv=refresh]")) fetched.remove();
  for (const painted of page.querySelectorAll("[background]")) painted.removeAttribute("background");
  const base = page.createElement("base");
  base.target = "_blank"; // which the sandbox refuses, so that no frame is led away from its message
  page.head.prepend(base);
  return `<!doctype html>${page.documentElement.outerHTML}`;
}

function frame(kind, html, state, title) {
  const inner = el("iframe", { title, sandbox: "allow-same-origin", className: "message" });
  inner.setAttribute("sandbox", "allow-same-origin");
  inner.style.width = `${WIDTHS[kind]}px`;
  inner.style.colorScheme = state.scheme;
  const screen = el("div", { className: "screen" }, inner);
  const shell = el("div", { className: `device ${kind} ${state.scheme}` }, screen);
  let height = SCREEN_HEIGHT;
  const fit = () => {
    const scale = Math.min(1, screen.clientWidth / WIDTHS[kind]) || 1;
    inner.style.height = `${height}px`;
    inner.style.transform = scale < 1 ? `scale(${scale})` : "";
    screen.style.height = `${height * scale}px`;
  };
  inner.addEventListener("load", () => {
    const page = inner.contentDocument;
    if (!page || !page.body) return;
    if (state.isFull) {
      inner.style.height = "100px";
      height = Math.max(page.body.scrollHeight, 200);
    }
    page.addEventListener("click", (event) => {
      const link = event.target.closest && event.target.closest("a[href]");
      if (!link) return;
      event.preventDefault();
      toast(link.getAttribute("href"));
    });
    fit();
  });
  inner.srcdoc = framed(html, state.scheme === "dark");
  new ResizeObserver(fit).observe(screen);
  return shell;
}
