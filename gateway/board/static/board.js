// Keeps a page of the board current, and says plainly when it cannot. No library.
"use strict";
(() => {
  const body = document.body;
  const words = JSON.parse(body.dataset.words);
  const SILENT = 6000; // ms: the server speaks every 2 s (stream.py, TICK)
  const byId = (id) => document.getElementById(id);

  let source = null;
  let heard = Date.now(); // of this machine's clock: only differences count
  let now = Number(body.dataset.now); // the gateway's, when last heard

  const gatewayNow = () => now + Math.max(0, Date.now() - heard) / 1000;

  // The steps of words.py, _coarse().
  function age(seconds) {
    const s = Math.max(0, Math.floor(seconds));
    if (s < 2) return words["age-now"];
    if (s < 120) return words["age-s"].replace("{n}", s);
    if (s < 7200) return words["age-m"].replace("{n}", Math.floor(s / 60));
    if (s < 172800) return words["age-h"].replace("{n}", Math.floor(s / 3600));
    return words["age-d"].replace("{n}", Math.floor(s / 86400));
  }

  // Makes an element like another one by changing only what differs: focus, open details and scrolling stay.
  function morph(old, fresh) {
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || (old.id || "") !== (fresh.id || "")) {
      old.replaceWith(fresh);
      return;
    }
    if (old.nodeType === Node.ELEMENT_NODE && old.hasAttribute("data-lazy")) return; // filled below, while it is open
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) old.removeAttribute(name);
    }
    for (const { name, value } of [...fresh.attributes]) {
      if (old.getAttribute(name) !== value && !(name === "open" && old.nodeName === "DETAILS")) old.setAttribute(name, value);
    }
    children(old, fresh);
  }

  function children(old, fresh) {
    const wanted = [...fresh.childNodes];
    wanted.forEach((node, at) => {
      let here = old.childNodes[at];
      if (node.id && here && here.id !== node.id) {
        const moved = [...old.children].find((child) => child.id === node.id);
        if (moved) {
          old.insertBefore(moved, here);
        } else {
          old.insertBefore(node, here);
          return;
        }
        here = moved;
      }
      if (here) morph(here, node);
      else old.appendChild(node);
    });
    while (old.childNodes.length > wanted.length) old.lastChild.remove();
  }

  // All the readings of a device are many; they are fetched while a reader has them open.
  const fetched = new WeakMap(); // details → when
  async function fill(details) {
    if (!details.open || Date.now() - (fetched.get(details) ?? 0) < 1900) return;
    fetched.set(details, Date.now());
    const [site, agent, device] = details.dataset.rows.split("/");
    const query = new URLSearchParams({ site, agent, device, lang: document.documentElement.lang.slice(0, 2) });
    try {
      const answer = await fetch(`/rows?${query}`, { cache: "no-store" });
      if (!answer.ok) return;
      const fresh = document.createElement("template");
      fresh.innerHTML = await answer.text(); // rendered and escaped by the gateway
      children(details.querySelector("[data-lazy]"), fresh.content);
      tick();
    } catch { /* cut off: the page says so by itself */ }
  }
  document.addEventListener("toggle", (event) => {
    if (event.target.dataset.rows) fill(event.target);
  }, true);

  function tick() {
    const at = gatewayNow();
    for (const time of document.querySelectorAll("time[data-at]")) {
      const said = age(at - Number(time.dataset.at));
      if (time.textContent !== said) time.textContent = said;
    }
    if (Date.now() - heard > SILENT || Date.now() < heard - 1000) cut();
  }

  // Nothing on the page may look fresh from here on.
  function cut() {
    body.classList.remove("live", "connecting");
    if (!body.classList.contains("cut")) {
      body.classList.add("cut");
      byId("cut").hidden = false;
      byId("link").textContent = byId("link").dataset.cut;
      for (const row of document.querySelectorAll("tr.q-good[data-fresh]")) {
        row.className = "q-stale";
        row.querySelector(".quality").textContent = words["quality-stale"];
      }
      for (const state of document.querySelectorAll(".card.d-fine .state")) state.textContent = words["quality-stale"];
    }
    if (source && Date.now() - heard > 3 * SILENT) { // a connection that hangs half open never fails by itself
      connect();
    }
  }

  function live() {
    body.classList.remove("cut", "connecting");
    body.classList.add("live");
    byId("cut").hidden = true;
    byId("link").textContent = byId("link").dataset.live;
  }

  function take(message) {
    const page = JSON.parse(message.data);
    now = page.now;
    heard = Date.now();
    for (const [id, html] of Object.entries(page.fragments)) {
      const holder = byId(id);
      if (!holder) continue;
      const fresh = document.createElement("template");
      fresh.innerHTML = html; // rendered and escaped by the gateway; the page's policy runs no script in it
      children(holder, fresh.content);
    }
    if (document.title !== page.title) document.title = page.title;
    if (byId("announce").textContent !== page.announce) byId("announce").textContent = page.announce;
    const asOf = byId("as-of");
    asOf.dateTime = new Date(now * 1000).toISOString();
    asOf.textContent = page.clock;
    live();
    tick();
    for (const details of document.querySelectorAll("details[open][data-rows]")) fill(details);
    document.dispatchEvent(new CustomEvent("board", { detail: { now } }));
  }

  let last = 0;
  function connect() {
    if (Date.now() - last < 2000) return;
    last = Date.now();
    if (source) source.close();
    source = new EventSource(body.dataset.stream);
    source.addEventListener("page", take);
    source.addEventListener("error", () => {
      cut(); // it tries again by itself, unless the server refused
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2500);
    });
  }

  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload(); // from the browser's memory: old
  });
  setInterval(tick, 1000);
  connect();
})();
