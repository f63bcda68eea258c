// Checkpoints: the beats as coloured roads, the points crews must see; a click adds one on the nearest road.
MODES.checkpoints = class {
  constructor(ui, ground) {
    this.ui = ui;
    this.beats = ground.beats.map((beat) => L.polyline(beat.lines, {color: beat.colour, weight: 2.6, opacity: 0.8})
      .bindTooltip(safe(beat.tip), {sticky: true}).on("click", (event) => this.put(event)).addTo(ui.map));
    this.borders = L.geoJSON(ground.borders, {interactive: false, style: {color: INK, weight: 2, opacity: 0.85, fill: false}})
      .addTo(ui.map);
    this.marks = L.layerGroup().addTo(ui.map);
    this.chosen = "";
    this.bar();
  }

  bar() {
    const {words, tools} = this.ui;
    this.name = make("input", {type: "text", maxLength: 40, placeholder: words.name, ariaLabel: words.name});
    this.visits = make("input", {type: "number", min: 1, max: 21, value: 7, ariaLabel: words.visits});
    this.said = make("span", {className: "xq-chosen"});
    this.away = make("button", {type: "button", textContent: words.remove, onclick: () =>
      this.ui.send({kind: "remove", wish: this.chosen})});
    tools.replaceChildren(
      make("div", {className: "xq-line"}, this.name, make("label", {}, words.visits, " ", this.visits)),
      make("div", {className: "xq-line xq-one"}, this.said, this.away));
  }

  put(event) {
    L.DomEvent.stopPropagation(event);
    this.ground(event.latlng);
  }

  /** A click on the ground asks for a checkpoint there. */
  ground({lat, lng}) {
    this.ui.send({kind: "add", at: [lat, lng], name: this.name.value, visits: Number(this.visits.value)});
  }

  clear() {
    this.chosen = "";
    this.mark();
  }

  show(state, done) {
    this.points = state.points;
    if (done && this.steps !== this.ui.steps) {
      this.chosen = "";
      this.name.value = "";
    }
    this.steps = this.ui.steps;
    this.mark();
  }

  mark() {
    const chosen = this.points.find((point) => point.wish && point.wish === this.chosen);
    this.said.textContent = chosen ? chosen.tip : this.ui.words.hint;
    this.away.hidden = !chosen;
    this.marks.clearLayers();
    for (const point of this.points) this.marks.addLayer(this.point(point));
  }

  /** What hands asked for is a square with a number, the others are discs. */
  point(point) {
    const shape = point.wish ? "xq-square" : "xq-disc";
    const ring = point.wish && point.wish === this.chosen ? " xq-ring" : "";
    const html = `<div class="xq-place ${shape}${ring}" style="background:${point.colour};color:${point.ink}">${point.number}</div>`;
    const icon = L.divIcon({html, iconSize: [0, 0], className: "xq-point"});
    const marker = L.marker(point.at, {icon, keyboard: false}).bindTooltip(safe(point.tip));
    if (point.wish) marker.on("click", () => {
      this.chosen = this.chosen === point.wish ? "" : point.wish;
      this.mark();
    });
    return marker;
  }

  leave() {
    [...this.beats, this.borders, this.marks].forEach((layer) => layer.remove());
  }
};
