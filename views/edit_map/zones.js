// Zones: click villages to choose them, then a zone to move them to; post, lock and unlock.
const INK = "#2b2a28";
const FLAG = '<svg width="13" height="12" viewBox="0 0 13 12" aria-hidden="true">' +
  '<path d="M2 12 V1 L12 4 L3.4 7.2 V12 Z" fill="#2b2a28" stroke="#fff" stroke-width=".8"/></svg>';
const LOCK = '<svg width="12" height="13" viewBox="0 0 12 13" aria-hidden="true"><path d="M3.4 6 V4 a2.6 2.6 0 0 1 5.2 0 V6"' +
  ' fill="none" stroke="#2b2a28" stroke-width="1.5"/><rect x="1.6" y="5.6" width="8.8" height="6.6" rx="1" fill="#2b2a28"/></svg>';

/** Return a post's flag with its zone's number. */
function chip(zone) {
  return FLAG + safe(zone.id);
}

MODES.zones = class {
  constructor(ui, ground) {
    this.ui = ui;
    this.given = ground;
    this.units = ground.units;
    this.chosen = new Set();
    this.layers = ground.units.map((unit, row) => this.area(unit, row));
    this.outline = ground.units.map((unit) => L.geoJSON(unit.shape, {
      pane: "picked", interactive: false, style: {color: INK, weight: 4, fill: false, className: "xq-picked"},
    }));
    this.borders = ground.pairs.map(([a, b, line]) => [a, b, L.geoJSON(line, {interactive: false}).addTo(ui.map)]);
    this.signs = L.layerGroup().addTo(ui.map);
    this.bar();
  }

  area(unit, row) {
    const layer = L.geoJSON(unit.shape, {pane: "fills", style: {stroke: false, className: "xq-unit"}}).addTo(this.ui.map);
    layer.on("click", (event) => {
      L.DomEvent.stopPropagation(event);
      this.toggle(row);
    });
    return layer.bindTooltip(() => this.tip(row), {sticky: true});
  }

  tip(row) {
    const zone = this.zones[this.zone[row]].id;
    return `<b>${safe(this.units[row].name)}</b> · ${safe(zone)}<br>${safe(this.units[row].tip)}`;
  }

  bar() {
    const {words, tools} = this.ui;
    const list = make("select", {ariaLabel: words.choose, onchange: () => {
      if (list.value !== "") this.toggle(Number(list.value));
      list.value = "";
    }}, make("option", {value: "", textContent: words.choose}));
    const rows = this.units.map((unit, row) => [unit.name, row]).sort((a, b) => a[0].localeCompare(b[0], "zh"));
    list.append(...rows.map(([name, row]) => make("option", {value: row, textContent: name})));
    this.said = make("span", {className: "xq-chosen"});
    this.said.setAttribute("aria-live", "polite");
    this.targets = make("span", {className: "xq-targets", role: "group"});
    this.acts = ["post", "lock", "unlock"].map((kind) =>
      make("button", {type: "button", textContent: words[kind], onclick: () => this.act({kind})}));
    this.none = make("button", {type: "button", textContent: words.clear, onclick: () => this.clear()});
    const last = make("span", {className: "xq-acts"}, ...this.acts, this.none);
    tools.replaceChildren(make("div", {className: "xq-line xq-one"}, list, this.said, last),
      make("div", {className: "xq-line"}, this.targets));
  }

  act(event) {
    this.ui.send({...event, units: [...this.chosen].map((row) => this.units[row].id)});
  }

  toggle(row) {
    if (!this.chosen.delete(row)) this.chosen.add(row);
    this.mark();
  }

  clear() {
    this.chosen.clear();
    this.mark();
  }

  /** Show what is chosen and what can be done with it. */
  mark() {
    const {words} = this.ui;
    const rows = [...this.chosen];
    this.outline.forEach((layer, row) => (this.chosen.has(row) ? layer.addTo(this.ui.map) : layer.remove()));
    this.layers.forEach((layer, row) => layer.setStyle(this.look(row)));
    const names = rows.slice(0, 4).map((row) => this.units[row].name).join(words.list_mark);
    const more = rows.length > 4 ? words.more.replace("{count}", rows.length) : "";
    this.said.textContent = rows.length ? words.chosen.replace("{names}", names + more) : "";
    const hint = make("span", {className: "xq-chosen", textContent: words.hint});
    this.targets.replaceChildren(
      ...(rows.length ? [words.move_to, ...this.zones.map((zone) => this.target(zone))] : [hint]));
    const locked = rows.filter((row) => this.locked.has(row)).length;
    const useful = {post: rows.length === 1, lock: rows.length > locked, unlock: locked > 0};
    this.acts.forEach((button, k) => (button.hidden = !rows.length || !useful[["post", "lock", "unlock"][k]]));
    this.none.hidden = !rows.length;
  }

  target(zone) {
    const chip = make("i", {className: "xq-swatch"});
    chip.style.background = zone.colour;
    const all = [...this.chosen].every((row) => this.zones[this.zone[row]].id === zone.id);
    const button = make("button", {type: "button", disabled: all, onclick: () => this.move(zone.id)}, chip, zone.id);
    button.dataset.zone = zone.id;
    return button;
  }

  move(zone) {
    if (this.chosen.size) this.act({kind: "move", zone});
  }

  look(row) {
    const chosen = this.chosen.has(row);
    return {fillColor: this.zones[this.zone[row]].colour, fillOpacity: chosen ? 0.95 : 0.66};
  }

  show(state, done) {
    Object.assign(this, {zones: state.zones, zone: state.zone, locked: new Set(state.locked)});
    if (done && this.steps !== this.ui.steps) this.chosen.clear();
    this.steps = this.ui.steps;
    for (const [a, b, line] of this.borders) {
      const edge = b < 0 || state.zone[a] !== state.zone[b];
      line.setStyle(edge ? {color: INK, weight: 2.2, opacity: 0.9} : {color: "#5c5953", weight: 0.8, opacity: 0.45});
    }
    this.signs.clearLayers();
    state.zones.forEach((zone) => this.signs.addLayer(this.post(zone)));
    this.units.forEach((unit, row) => this.note(unit, row, state));
    this.mark();
  }

  /** The post's flag with the zone's number: a click on it moves what is chosen there. */
  post(zone) {
    const words = this.ui.words.to_zone.replace("{zone}", zone.id);
    const html = `<button type="button" class="xq-chip" title="${safe(words)}" data-zone="${safe(zone.id)}"` +
      ` style="background:${zone.colour}">${chip(zone)}</button>`;
    return sign(this.units[zone.post].at, html, "markerPane", () => this.move(zone.id));
  }

  note(unit, row, state) {
    const parts = [];
    if (this.locked.has(row)) parts.push(LOCK);
    if (state.zone[row] !== state.was[row]) {
      parts.push(`${safe(state.zones[state.was[row]].id)}→${safe(state.zones[state.zone[row]].id)}`);
    }
    if (state.cut.includes(row)) parts.push(`⚠ ${safe(this.ui.words.cut)}`);
    if (parts.length) this.signs.addLayer(sign(unit.at, `<div class="xq-note">${parts.join(" ")}</div>`, "markerPane"));
  }

  leave() {
    [...this.layers, ...this.outline, ...this.borders.map((border) => border[2]), this.signs].forEach((l) => l.remove());
  }
};
