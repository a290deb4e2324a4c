"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const main = document.getElementById("main");
  const NS = "http://www.w3.org/2000/svg";
  const PALETTE = ["#4c78a8", "#f58518", "#54a24b", "#e45756", "#b279a2", "#9d755d", "#72b7b2", "#eeca3b", "#8a8a8a"];
  let utc = true, shown = false;

  // Text from the ledger is only ever set as text; nothing here builds markup from it.
  const el = (name, attributes = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    for (const child of children) node.append(child);
    return node;
  };
  const draw = (parent, name, attributes = {}, text) => {
    const node = document.createElementNS(NS, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    parent.append(node);
    return node;
  };
  const time = (us, long) => {
    const at = new Date(us / 1000);
    if (utc) return at.toISOString().slice(long ? 0 : 11, 19).replace("T", " ");
    const pad = (n) => String(n).padStart(2, "0");
    const clock = `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
    return long ? `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${clock}` : clock;
  };
  const money = (text) => (text === null || text === undefined ? "-" : Number(text).toFixed(4));
  const percent = (text) => (text === null || text === undefined ? "-" : `${(Number(text) * 100).toFixed(0)} %`);
  const card = (title, kind = "", note = "") => {
    const box = el("section", { class: `card ${kind}` }, el("h2", {}, title));
    if (note) box.append(el("p", {}, note));
    main.append(box);
    return box;
  };
  const canvas = (box, width, height, name) =>
    draw(box, "svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name, "data-chart": name });
  const scale = (low, high, from, to) => (value) => from + ((value - low) / (high - low || 1)) * (to - from);
  const ticks = (low, high, count) => {
    const step = 10 ** Math.floor(Math.log10((high - low || 1) / count));
    const nice = [1, 2, 5, 10].map((one) => one * step).find((one) => (high - low) / one <= count) || step * 10;
    const found = [];
    for (let at = Math.ceil(low / nice) * nice; at <= high + nice / 1e6; at += nice) found.push(Number(at.toPrecision(10)));
    return found;
  };
  const grid = (svg, y, low, high, left, right) => {
    for (const tick of ticks(low, high, 5)) {
      draw(svg, "line", { class: "grid", x1: left, x2: right, y1: y(tick), y2: y(tick) });
      draw(svg, "text", { x: left - 6, y: y(tick) + 4, "text-anchor": "end" }, String(tick));
    }
  };

  const figures = () => {
    const one = data.identity, perf = data.performance, maker = data.execution.liquidity;
    const shown = [
      ["net", one.net], ["gross", one.gross], ["fees", one.fees], ["funding", one.funding],
      ["balance change", one.balance_change], ["trades", String(perf.trades)], ["won", percent(perf.win_rate)],
      ["expectancy", money(perf.expectancy)], ["profit factor", perf.profit_factor || "-"],
      ["maker share", percent(maker.maker_share)], ["deepest fall", money(data.drawdown.deepest)],
      ["drifts", String(data.incidents.drifts.length)],
    ];
    for (const [name, value] of shown) {
      const box = el("section", { class: "card figure" }, el("span", {}, name), el("b", { "data-figure": name }, value));
      main.append(box);
    }
    const verdict = one.holds ? "both sides agree" : "THE SIDES DO NOT AGREE";
    const steps = `gross ${one.gross} − fees ${one.fees} − funding ${one.funding} = net ${one.net}; ` +
      `− booked before ${one.booked_before} + still open ${one.still_open} + other ${one.other} = balance ${one.balance_change}`;
    card("The identity", "wide").append(el("p", { id: "identity" }, `${steps}: ${verdict}`));
    if (data.unknown.length) {
      const list = el("ul", {});
      for (const said of data.unknown) list.append(el("li", {}, said));
      card("What this report cannot know", "wide").append(list);
    }
  };

  const equity = () => {
    const points = data.equity.map((row) => [row[0], Number(row[1]), row[2]]);
    if (points.length < 2) return;
    const svg = canvas(card("Result after each trade, and the falls below its peak", "wide"), 1000, 260, "equity");
    const values = points.map((p) => p[1]).concat(0);
    const low = Math.min(...values), high = Math.max(...values);
    const x = scale(points[0][0], points[points.length - 1][0], 60, 985), y = scale(low, high, 230, 12);
    grid(svg, y, low, high, 60, 985);
    let peak = 0, line = "", fall = "";
    points.forEach(([at, value], index) => {
      peak = Math.max(peak, value);
      const previous = index ? points[index - 1][1] : 0;
      line += `${index ? "L" : "M"}${x(at)} ${y(previous)}L${x(at)} ${y(value)}`;
      if (value < peak) fall += `M${x(at)} ${y(peak)}L${x(at)} ${y(value)}`;
    });
    draw(svg, "path", { class: "area", d: `${line}L${x(points[points.length - 1][0])} ${y(low)}L${x(points[0][0])} ${y(low)}Z` });
    draw(svg, "path", { d: fall, stroke: "var(--bad)", "stroke-opacity": ".35", "stroke-width": "2" });
    draw(svg, "path", { class: "curve", d: line });
    for (let index = 0; index < 6; index++) {
      const at = points[0][0] + ((points[points.length - 1][0] - points[0][0]) * index) / 5;
      draw(svg, "text", { x: x(at), y: 250, "text-anchor": "middle" }, time(at).slice(0, 5));
    }
  };

  const scatter = () => {
    const dots = data.trades.filter((one) => one.mae !== null && one.mfe !== null);
    if (!dots.length) return;
    const svg = canvas(card("MAE × MFE (colour: cause; click opens the trade)"), 500, 340, "mae-mfe");
    const xs = dots.map((one) => Number(one.mae)), ys = dots.map((one) => Number(one.mfe));
    const x = scale(Math.min(...xs, 0), Math.max(...xs, 0), 60, 485), y = scale(Math.min(...ys, 0), Math.max(...ys, 0), 265, 12);
    grid(svg, y, Math.min(...ys, 0), Math.max(...ys, 0), 60, 485);
    for (const tick of ticks(Math.min(...xs, 0), Math.max(...xs, 0), 5))
      draw(svg, "text", { x: x(tick), y: 282, "text-anchor": "middle" }, String(tick));
    const causes = [...new Set(dots.map((one) => one.cause))].sort();
    causes.forEach((cause, index) => {
      const left = 62 + (index % 4) * 108, top = 300 + Math.floor(index / 4) * 16;
      draw(svg, "circle", { r: 4, cx: left, cy: top - 4, fill: PALETTE[index % PALETTE.length] });
      draw(svg, "text", { x: left + 8, y: top }, cause);
    });
    for (const one of dots) {
      const colour = PALETTE[causes.indexOf(one.cause) % PALETTE.length];
      const dot = draw(svg, "circle", { class: "dot", r: 4, cx: x(Number(one.mae)), cy: y(Number(one.mfe)), fill: colour });
      dot.dataset.id = one.position_id;
      draw(dot, "title", {}, `${one.instrument} ${one.side} ${one.cause} net ${one.net}`);
      dot.addEventListener("click", () => open(one.position_id));
    }
  };

  const bars = (title, rows, name) => {
    if (!rows.length) return;
    const height = rows.length * 24 + 30;
    const svg = canvas(card(title), 500, height, name);
    const values = rows.map((row) => Number(row.net));
    const x = scale(Math.min(...values, 0), Math.max(...values, 0), 170, 440);
    rows.forEach((row, index) => {
      const value = Number(row.net), top = index * 24 + 6;
      draw(svg, "text", { x: 160, y: top + 13, "text-anchor": "end" }, `${row.value} (${row.trades})`);
      draw(svg, "rect", {
        class: value < 0 ? "bad" : "good", x: Math.min(x(0), x(value)), y: top, height: 17, width: Math.max(1, Math.abs(x(value) - x(0))),
      });
      draw(svg, "text", { x: Math.max(x(value), x(0)) + 5, y: top + 13 }, money(row.net));
    });
    draw(svg, "line", { class: "axis", x1: x(0), x2: x(0), y1: 0, y2: height - 24 });
  };

  const heat = () => {
    const cells = {}, hours = new Set(), names = new Set();
    for (const one of data.trades) {
      const hour = new Date(one.closed_at / 1000).getUTCHours();
      cells[`${one.instrument} ${hour}`] = (cells[`${one.instrument} ${hour}`] || 0) + Number(one.net);
      hours.add(hour);
      names.add(one.instrument);
    }
    if (!names.size) return;
    const rows = [...names].sort(), largest = Math.max(...Object.values(cells).map(Math.abs));
    const svg = canvas(card("Net by hour (UTC) and instrument"), 500, rows.length * 30 + 30, "heat");
    rows.forEach((name, row) => {
      draw(svg, "text", { x: 118, y: row * 30 + 20, "text-anchor": "end" }, name);
      for (let hour = 0; hour < 24; hour++) {
        const value = cells[`${name} ${hour}`];
        const box = draw(svg, "rect", {
          x: 125 + hour * 15.4, y: row * 30 + 2, width: 14.4, height: 26, class: value === undefined ? "wait" : value < 0 ? "bad" : "good",
          "fill-opacity": value === undefined ? 0.25 : 0.25 + (0.75 * Math.abs(value)) / (largest || 1),
        });
        draw(box, "title", {}, `${name} ${hour}h: ${value === undefined ? "no trade" : value.toFixed(4)}`);
      }
    });
    for (let hour = 0; hour < 24; hour += 3) draw(svg, "text", { x: 132 + hour * 15.4, y: rows.length * 30 + 18, "text-anchor": "middle" }, String(hour));
  };

  const table = (box, columns, rows, onRow) => {
    const body = el("tbody", {});
    const head = el("tr", {});
    columns.forEach(([name, , numeric]) => head.append(el("th", { class: numeric ? "n" : "" }, name)));
    for (const row of rows) {
      const line = el("tr", {});
      if (onRow) {
        line.dataset.id = row.position_id;
        line.addEventListener("click", () => onRow(row));
      }
      for (const [, get, numeric] of columns) {
        const text = String(get(row) ?? "-");
        const sign = numeric && Number(text) ? (Number(text) < 0 ? " minus" : " plus") : "";
        line.append(el("td", { class: (numeric ? "n" : "") + (numeric === "money" ? sign : "") }, text));
      }
      body.append(line);
    }
    const whole = el("table", {}, el("thead", {}, head), body);
    box.append(el("div", { class: "scroll" }, whole));
    [...head.children].forEach((cell, index) => cell.addEventListener("click", () => sort(body, index, cell)));
    return body;
  };
  const sort = (body, index, cell) => {
    const up = cell.dataset.up !== "1";
    cell.dataset.up = up ? "1" : "0";
    const key = (row) => row.children[index].textContent;
    const rows = [...body.children].sort((a, b) => {
      const [one, two] = [Number(key(a)), Number(key(b))];
      return Number.isNaN(one) || Number.isNaN(two) ? key(a).localeCompare(key(b)) : one - two;
    });
    if (!up) rows.reverse();
    body.append(...rows);
  };

  const lists = () => {
    const funnel = data.funnel;
    const box = card("From signal to fill");
    table(box, [["step", (r) => r.step], ["count", (r) => r.count, true]], funnel.steps);
    if (funnel.refused.length) table(box, [["refused by", (r) => r.reason], ["times", (r) => r.times, true]], funnel.refused);
    const run = data.execution, orders = card("Execution");
    const rows = Object.entries(run.slippage_bps).map(([name, f]) => ({ what: `slippage of ${name}, bps`, ...f }));
    rows.push({ what: "intent to acknowledged, ms", ...run.latency_ms.intent_to_ack });
    rows.push({ what: "intent to filled, ms", ...run.latency_ms.intent_to_filled });
    rows.push({ what: "age of price at entries, s", ...run.data_age_s.price });
    table(orders, [["what", (r) => r.what], ["n", (r) => r.n, true], ["mean", (r) => r.mean, true], ["median", (r) => r.p50, true],
      ["95 %", (r) => r.p95, true], ["worst", (r) => r.worst, true]], rows);
    orders.append(el("p", { class: "soft" }, `maker fees ${run.liquidity.maker.fees} on ${run.liquidity.maker.fills} fills, taker fees ` +
      `${run.liquidity.taker.fees} on ${run.liquidity.taker.fills}; naked for ${run.naked.worst_s} s at most`));
    const after = data.after_exit;
    if (after.by_cause.length) table(card(`15 minutes after the exit (${after.judged} judged)`), [["cause", (r) => r.cause],
      ["early", (r) => r.early, true], ["right", (r) => r.right, true], ["late", (r) => r.late, true],
      ["left on the table", (r) => r.left.toFixed(4), "money"]], after.by_cause);
    if (data.incidents.drifts.length) table(card("Drifts"), [["at", (r) => time(r.detected_at, true)], ["instrument", (r) => r.instrument],
      ["kind", (r) => r.kind], ["cause", (r) => r.cause], ["resolved", (r) => (r.resolved_at ? "yes" : "no")]], data.incidents.drifts);
    const troubles = run.refusals.map((r) => ({ what: `${r.role} refused with ${r.code}: ${r.text}`, times: r.times }))
      .concat(run.connections.map((r) => ({ what: `${r.connection} ${r.event}`, times: r.times })))
      .concat(data.incidents.latches.map((r) => ({ what: `limit ${r.name}: ${r.reason}`, times: 1 })));
    if (troubles.length) table(card("Trouble"), [["what", (r) => r.what], ["times", (r) => r.times, true]], troubles);
  };

  const open = (id) => {
    const trade = data.trades.find((one) => one.position_id === id), story = data.stories[id];
    const box = document.getElementById("story");
    box.replaceChildren(el("h2", {}, `${trade.instrument} ${trade.side}: ${trade.cause}, net ${trade.net}  (${id})`));
    for (const row of document.querySelectorAll("tr.on")) row.classList.remove("on");
    document.querySelector(`tr[data-id="${CSS.escape(id)}"]`)?.classList.add("on");
    if (!story) {
      box.append(el("p", {}, `Its story is not on this page: scalpctl analyze-session --trade ${id}`));
    } else {
      path(box, trade, story);
      table(box, [["step", (r) => r.step], ["amount", (r) => r.amount, "money"]], story.waterfall);
      table(box, [["at", (r) => time(r.at)], ["what", (r) => r.kind], ["", (r) => r.what], ["row", (r) => r.seq, true]], story.timeline);
    }
    if (shown) box.scrollIntoView({ block: "nearest" });
    shown = true;
  };

  const path = (box, trade, story) => {
    const lanes = story.lanes, top = 210, height = top + lanes.length * 22 + 26;
    const svg = canvas(box, 1000, height, "trade");
    const stops = story.stops.map(([at, price]) => [at, Number(price)]);
    const prices = story.path.map((p) => p[1]).concat(stops.map((p) => p[1]), Number(trade.entry_price), Number(trade.exit_price || trade.entry_price));
    const first = trade.opened_at - 60e6, last = trade.closed_at + 60e6;
    const x = scale(first, last, 140, 985), y = scale(Math.min(...prices), Math.max(...prices), 190, 12);
    grid(svg, y, Math.min(...prices), Math.max(...prices), 140, 985);
    draw(svg, "path", { class: "curve", d: story.path.map(([at, price], index) => `${index ? "L" : "M"}${x(at)} ${y(price)}`).join("") });
    let line = "";
    stops.forEach(([at, price], index) => {
      const until = index + 1 < stops.length ? stops[index + 1][0] : trade.closed_at;
      line += `M${x(at)} ${y(price)}L${x(until)} ${y(price)}`;
    });
    draw(svg, "path", { class: "stop", d: line });
    for (const one of story.timeline) {
      if (one.kind !== "fill") continue;
      const price = Number(/@ ([0-9.]+)/.exec(one.what)?.[1]);
      const mark = draw(svg, "circle", { r: 5, cx: x(one.at), cy: y(price), fill: one.what.startsWith("buy") ? "var(--good)" : "var(--bad)" });
      draw(mark, "title", {}, `${time(one.at)} ${one.what}`);
    }
    lanes.forEach((lane, index) => {
      draw(svg, "text", { x: 132, y: top + index * 22 + 13, "text-anchor": "end" }, lane.rule);
      for (const state of lane.states) {
        const kind = ["close", "partial"].includes(state.said) ? "fired" : ["quiet", "not_armed"].includes(state.said) ? "wait" : "armed";
        const left = x(Math.max(state.from_at, first)), right = x(Math.min(Math.max(state.until_at, state.from_at), last));
        const piece = draw(svg, "rect", { class: kind, x: left, y: top + index * 22, height: 16, width: Math.max(3, right - left) });
        draw(piece, "title", {}, `${lane.rule}: ${state.said} from ${time(state.from_at)}`);
        if (right - left > 60) draw(svg, "text", { x: left + 4, y: top + index * 22 + 12 }, state.said);
      }
    });
    for (let index = 0; index < 6; index++)
      draw(svg, "text", { x: x(first + ((last - first) * index) / 5), y: height - 6, "text-anchor": "middle" }, time(first + ((last - first) * index) / 5));
  };

  const trades = () => {
    main.append(el("section", { class: "card wide", id: "story" }, el("h2", {}, "A trade"), el("p", {}, "Click a dot or a row.")));
    const box = card("Every trade", "wide");
    const filter = el("input", { id: "filter", type: "search", placeholder: "filter: instrument, cause, side, id …", "aria-label": "filter" });
    const save = el("button", { id: "csv", type: "button" }, "CSV");
    const count = el("span", { id: "count", class: "soft" }, "");
    box.append(el("div", { class: "bar" }, filter, count, save));
    const columns = [["closed", (r) => time(r.closed_at, true)], ["instrument", (r) => r.instrument], ["side", (r) => r.side],
      ["net", (r) => r.net, "money"], ["gross", (r) => r.gross, true], ["fees", (r) => r.fees, true], ["funding", (r) => r.funding, true],
      ["cause", (r) => r.cause], ["entry", (r) => r.entry_price, true], ["exit", (r) => r.exit_price, true], ["contracts", (r) => r.contracts, true],
      ["held s", (r) => Math.round(r.held_us / 1e6), true], ["regime", (r) => r.regime], ["leverage", (r) => r.leverage, true],
      ["id", (r) => r.position_id]];
    const body = table(box, columns, data.trades, (row) => open(row.position_id));
    const first = data.worst[0] || data.best[0];
    if (first) open(first);
    const apply = () => {
      const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of body.children) {
        const text = row.textContent.toLowerCase(), fits = words.every((word) => text.includes(word));
        row.hidden = !fits;
        shown += fits ? 1 : 0;
      }
      count.textContent = `${shown} of ${body.children.length}`;
    };
    filter.addEventListener("input", apply);
    apply();
    save.addEventListener("click", () => {
      const names = ["position_id", "session_id", "instrument", "side", "opened_at", "closed_at", "contracts", "entry_price", "exit_price",
        "gross", "fees", "funding", "net", "cause", "regime", "leverage", "mae", "mfe"];
      const cell = (value) => {
        const text = String(value ?? "");
        const inert = /^[=+@\t\r]/.test(text) || (/^-/.test(text) && Number.isNaN(Number(text))) ? `'${text}` : text;
        return /[",\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
      };
      const hidden = new Set([...body.children].filter((row) => row.hidden).map((row) => row.dataset.id));
      const rows = data.trades.filter((one) => !hidden.has(one.position_id)).map((one) => names.map((name) => cell(one[name])).join(","));
      const link = el("a", { href: URL.createObjectURL(new Blob([[names.join(","), ...rows].join("\n") + "\n"], { type: "text/csv" })), download: "trades.csv" });
      link.click();
    });
  };

  const render = () => {
    main.replaceChildren();
    figures();
    equity();
    scatter();
    bars("Net by cause", data.by.cause, "causes");
    heat();
    const held = ["under 30 s", "30-60 s", "1-2 min", "2-5 min", "5-10 min", "10-30 min", "over 30 min"];
    bars("Net by holding time", [...data.by.holding].sort((a, b) => held.indexOf(a.value) - held.indexOf(b.value)), "holding");
    bars("Net by instrument", data.by.instrument, "instruments");
    bars("Net by regime", data.by.regime, "regimes");
    lists();
    trades();
    document.getElementById("when").textContent = `${time(data.session.begins_at, true)} to ${time(data.session.ends_at, true)}`;
  };
  const zone = document.getElementById("zone");
  zone.addEventListener("click", () => {
    utc = !utc;
    zone.textContent = utc ? "UTC" : "local time";
    render();
  });
  render();
  document.body.dataset.ready = "1";
})();
