// The chart of the last hour: one line a device, broken where there is no data.
"use strict";
(() => {
  const section = document.getElementById("chart");
  const ahead = Number(document.body.dataset.offset); // seconds: times are shown where the gateway is
  const words = JSON.parse(document.body.dataset.words);
  const charts = JSON.parse(section.dataset.charts);
  const choice = document.getElementById("chart-quantity");
  const note = document.getElementById("chart-note");
  const holder = document.getElementById("plot");
  const table = document.getElementById("chart-table");
  const HOUR = 3600;
  const EVERY = 10000; // ms between two fetches
  // Okabe and Ito's colours, which the colour-blind tell apart; dashes tell them apart without colour.
  const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d1f", "#7f7f7f"];
  const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 5], [12, 6], [1, 4], [6, 2]];

  let plot = null;
  let drawn = 0;
  let busy = false;

  for (const chart of charts) choice.add(new Option(chart.unit ? `${chart.label} (${chart.unit})` : chart.label, chart.quantity));
  choice.disabled = charts.length === 0;

  const chosen = () => charts.find((chart) => chart.quantity === choice.value);

  async function fetched(line, quantity) {
    const query = new URLSearchParams({ site: line.site, agent: line.agent, device: line.device, quantity });
    const answer = await fetch(`/api/history?${query}`, { cache: "no-store" });
    if (answer.status === 404) return { now: null, times: [], values: [] }; // the device is gone
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  async function draw() {
    const chart = chosen();
    if (!chart || busy) return;
    busy = true;
    try {
      const histories = await Promise.all(chart.lines.map((line) => fetched(line, chart.quantity)));
      if (chart !== chosen()) return;
      const now = Math.max(...histories.map((history) => history.now ?? 0)) || Date.now() / 1000;
      show(chart, histories, now);
      drawn = Date.now();
    } catch {
      note.hidden = false;
      note.textContent = words["loading-failed"];
    } finally {
      busy = false;
      if (chart !== chosen()) draw();
    }
  }

  function show(chart, histories, now) {
    const empty = histories.every((history) => history.times.length === 0);
    note.hidden = !empty;
    note.textContent = words["chart-none"];
    holder.hidden = empty;
    table.hidden = empty;
    if (empty) return;
    const tables = histories.map((history) => [history.times, history.values]);
    const data = tables.length === 1 ? tables[0]
      : uPlot.join(tables, tables.map(() => [0, 2])); // 2: a hole stays one between the points of the other lines;
    if (plot) plot.destroy();
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--dim").trim();
    const grid = { stroke: style.getPropertyValue("--line").trim(), width: 1 };
    const axis = { stroke: ink, grid, ticks: grid };
    const two = (n) => String(n).padStart(2, "0");
    plot = new uPlot({
      width: holder.clientWidth,
      height: Math.min(300, Math.max(200, holder.clientWidth * 0.4)),
      legend: { show: false }, // the table below is the legend
      cursor: { y: false },
      scales: {
        x: { time: true, range: () => [now - HOUR, now] },
        y: { range: (_, low, high) => (chart.unit === "%" ? [0, 100 < high ? high : 100] : padded(low, high)) },
      },
      axes: [
        { ...axis, values: (_, ticks) => ticks.map((at) => { const t = new Date((at + ahead) * 1000); return `${two(t.getUTCHours())}:${two(t.getUTCMinutes())}`; }) },
        { ...axis, size: 56 },
      ],
      series: [{}, ...chart.lines.map((line, at) => ({
        label: line.title, stroke: COLOURS[at], dash: DASHES[at], width: 2, spanGaps: false, points: { show: false },
      }))],
    }, data, holder);
    tell(chart, histories);
  }

  function padded(low, high) {
    if (low === null || high === null) return [0, 1];
    const margin = Math.max((high - low) * 0.1, Math.abs(high) * 0.02, 0.5);
    return [low >= 0 ? Math.max(0, low - margin) : low - margin, high + margin];
  }

  function tell(chart, histories) {
    const rows = chart.lines.map((line, at) => {
      const values = histories[at].values.filter((value) => value !== null);
      const row = document.createElement("tr");
      const head = document.createElement("th");
      head.scope = "row";
      const swatch = document.createElement("span");
      swatch.className = `swatch c${at}`;
      head.append(swatch, line.title);
      row.append(head);
      const figures = values.length ? [Math.min(...values), Math.max(...values), values[values.length - 1]] : [null, null, null];
      for (const figure of figures) {
        const cell = document.createElement("td");
        cell.textContent = figure === null ? "—" : `${Math.round(figure * 100) / 100} ${chart.unit}`;
        row.append(cell);
      }
      return row;
    });
    table.tBodies[0].replaceChildren(...rows);
  }

  choice.addEventListener("change", draw);
  document.addEventListener("board", () => {
    if (Date.now() - drawn > EVERY) draw();
  });
  let width = holder.clientWidth;
  window.addEventListener("resize", () => {
    if (plot && holder.clientWidth !== width) {
      width = holder.clientWidth;
      plot.setSize({ width, height: plot.height });
    }
  });
  draw();
})();
