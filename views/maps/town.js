// What every screen map can do beside showing layers: a card for what is clicked, measuring, many incidents by month,
// and its view in the page's address. No network, no library but Leaflet.
window.xq = (function () {
  "use strict";
  const HALF = 20037508.342789244; // half the equator in Web Mercator metres
  const DOT_PX = 7; // a click so near a dot means it
  const AROUND_PX = 16; // what is clicked is seen with a little ground around it
  const CELL_PX = 6; // cells smaller than this on the screen give way to the next coarser ones

  // ---- the card: what was clicked, with its numbers and reasons ----

  function card(town, words) {
    const box = L.DomUtil.create("aside", "xq-card", town.getContainer());
    box.hidden = true;
    box.setAttribute("role", "status");
    L.DomEvent.disableClickPropagation(box);
    L.DomEvent.disableScrollPropagation(box);
    const close = () => { box.hidden = true; town.fire("xqclosed"); };
    box.addEventListener("click", (event) => {  // to another page: the map's frame itself may lead nowhere
      const way = event.target.closest("a[href]");
      if (!way) { return; }
      event.preventDefault();
      const link = window.parent.document.createElement("a");
      link.href = way.getAttribute("href");
      link.click();
    });
    town.getContainer().addEventListener("keydown", (key) => { if (key.key === "Escape") { close(); } });
    // The card stands at the left, unless it would lie over the very place it tells of.
    const beside = (at) => {
      box.classList.remove("xq-at-right");
      const point = at && town.latLngToContainerPoint(at);
      const over = point && point.x < box.offsetLeft + box.offsetWidth + AROUND_PX
        && point.y > box.offsetTop - AROUND_PX && point.y < box.offsetTop + box.offsetHeight + AROUND_PX;
      box.classList.toggle("xq-at-right", Boolean(over));
    };
    return (html, at) => {
      town.fire("xqclosed");
      box.innerHTML = "";
      const button = L.DomUtil.create("button", "xq-close", box);
      button.type = "button";
      button.textContent = "×";
      button.title = words.close;
      button.setAttribute("aria-label", words.close);
      button.addEventListener("click", close);
      box.insertAdjacentHTML("beforeend", html);
      box.hidden = false;
      box.scrollTop = 0;
      beside(at);
    };
  }

  // A shape or a sign tells its numbers under the mouse, and in the card when it is clicked or Enter is pressed on it.
  // However many there are, they are one stop of the Tab key: the arrows lead from one to the next.
  let town = null; // a page of the iframe holds one map

  const stop = () => town.getContainer().querySelector(".xq-tells[tabindex='0']");

  function move(from, by) {
    const all = [...town.getContainer().querySelectorAll(".xq-tells")];
    const next = all[(all.indexOf(from) + by + all.length) % all.length];
    from.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
  }

  const STEPS = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1};

  function tells(layer, tip, more) {
    layer.bindTooltip(tip, {sticky: true});
    const middle = () => (layer.getBounds ? layer.getBounds().getCenter() : layer.getLatLng());
    const open = (at) => { layer.closeTooltip(); town.xqCard(tip + more, at || middle()); };
    layer.on("click", (event) => { if (!town.xqMeasuring) { L.DomEvent.stop(event); open(event.latlng); } });
    layer.on("add", () => {
      const element = layer.getElement && layer.getElement();
      if (!element) { return; }
      element.classList.add("xq-tells");
      element.setAttribute("tabindex", stop() ? "-1" : "0");
      element.setAttribute("role", "button");
      const name = L.DomUtil.create("div");
      name.innerHTML = tip;
      element.setAttribute("aria-label", (name.querySelector("b") || name).textContent);
      element.addEventListener("keydown", (key) => {
        if (key.key === "Enter") { open(); }
        if (STEPS[key.key]) { L.DomEvent.stop(key); move(element, STEPS[key.key]); }
      });
    });
    layer.on("remove", () => {
      const first = town.getContainer().querySelector(".xq-tells");
      if (first && !stop()) { first.setAttribute("tabindex", "0"); }
    });
  }

  // What has only a tip is no stop: a browser would make one of every shape that listens for the focus.
  L.Path.addInitHook(function () {
    this.on("add", () => {
      const element = this.getElement && this.getElement();
      if (element && !element.hasAttribute("tabindex")) { element.setAttribute("tabindex", "-1"); }
    });
  });

  function signs(rows) {
    return L.featureGroup(rows.map(([lat, lon, sign, tip, more]) => {
      const icon = L.divIcon({html: `<div class="xq-sign">${sign}</div>`, iconSize: [0, 0], className: "xq-point"});
      const marker = L.marker([lat, lon], {icon});
      tells(marker, tip, more);
      return marker;
    }));
  }

  // ---- measuring: click along a way, twice or Escape to end ----

  function measure(town, words) {
    const line = L.polyline([], {color: "#2b2a28", weight: 2.5, dashArray: "6 4", interactive: false});
    const bar = L.control({position: "topleft"});
    let label = null;
    const length = () => {
      const at = line.getLatLngs();
      const metres = at.slice(1).reduce((sum, point, i) => sum + point.distanceTo(at[i]), 0);
      return metres >= 1000 ? `${(metres / 1000).toFixed(2)} km` : `${Math.round(metres)} m`;
    };
    const say = () => {
      if (label) { label.remove(); }
      const at = line.getLatLngs();
      if (at.length < 2) { return; }
      label = L.tooltip({permanent: true, direction: "right", className: "xq-length"});
      label.setLatLng(at[at.length - 1]).setContent(length()).addTo(town);
    };
    const step = (event) => { line.addLatLng(event.latlng); say(); };
    function turn(on) {
      town.xqMeasuring = on;
      town.getContainer().classList.toggle("xq-measuring", on);
      button.setAttribute("aria-pressed", String(on));
      town.doubleClickZoom[on ? "disable" : "enable"]();
      if (on) {
        line.setLatLngs([]).addTo(town);
        town.on("click", step).once("dblclick", () => turn(false));
      } else {
        town.off("click", step);
      }
    }
    let button = null;
    bar.onAdd = () => {
      const box = L.DomUtil.create("div", "leaflet-bar");
      button = L.DomUtil.create("button", "xq-tool", box);
      button.type = "button";
      button.title = words.measure;
      button.setAttribute("aria-label", words.measure);
      button.innerHTML = '<svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true"><path d="M1 11 L11 1 L15 5 '
        + 'L5 15 Z M4 8 l2 2 M6.5 5.5 l1.5 1.5 M9 3 l2 2" fill="none" stroke="currentColor" stroke-width="1.3"/></svg>';
      L.DomEvent.disableClickPropagation(box);
      button.addEventListener("click", () => {
        if (town.xqMeasuring) { turn(false); return; }
        if (label) { label.remove(); label = null; }
        turn(true);
      });
      return box;
    };
    bar.addTo(town);
    town.getContainer().addEventListener("keydown", (key) => {
      if (key.key === "Escape") { if (town.xqMeasuring) { turn(false); } if (label) { label.remove(); } line.remove(); }
    });
  }

  // ---- the view in the page's address, and two maps that move together ----

  function address(town, name, subject) {
    const page = () => { try { return window.parent.location; } catch (refused) { return null; } };
    const state = {layers: {}, months: null};
    const asked = page() ? new URLSearchParams(page().search).get(name) : null;
    const parts = asked ? asked.split("/") : [];
    if (parts.length >= 4 && parts[0] === subject) {
      const [zoom, lat, lon] = parts.slice(1, 4).map(Number);
      if ([zoom, lat, lon].every(Number.isFinite)) {
        town.setView([lat, lon], zoom, {animate: false});
        town.off("resize", town.xqFit);
      }
      (parts[4] || "").split(".").filter(Boolean).forEach((one) => { state.layers[one.slice(1)] = one[0] === "1"; });
      if (/^\d+-\d+$/.test(parts[5] || "")) { state.months = parts[5].split("-").map(Number); }
    }
    let ready = false;
    function write() {
      if (!page()) { return; }
      const at = town.getCenter();
      const layers = Object.entries(state.layers).map(([number, on]) => `${on ? 1 : 0}${number}`).join(".");
      const months = state.months ? state.months.join("-") : "";
      const view = [subject, town.getZoom().toFixed(2), at.lat.toFixed(5), at.lng.toFixed(5), layers, months].join("/");
      const query = new URLSearchParams(page().search);
      query.set(name, view);
      const words = query.toString().replaceAll("%2F", "/");
      window.parent.history.replaceState(window.parent.history.state, "", `${page().pathname}?${words}`);
    }
    // The first views, and a fit to another size, are ours and not the reader's: they are not worth an address.
    town.on("moveend", () => { if (ready && !town.xqFitting) { write(); } });
    town.whenReady(() => window.setTimeout(() => { ready = true; }, 400));
    return {state, write};
  }

  function together(town, channel) {
    if (!channel || !window.BroadcastChannel) { return; }
    const line = new BroadcastChannel(channel);
    let told = false;
    town.on("moveend", () => {
      if (town.xqFitting) { return; }  // the other fits itself
      if (told) { told = false; return; }
      const at = town.getCenter();
      line.postMessage([at.lat, at.lng, town.getZoom()]);
    });
    line.onmessage = (message) => {
      const [lat, lon, zoom] = message.data;
      if (town.getCenter().distanceTo([lat, lon]) < 1 && Math.abs(town.getZoom() - zoom) < 0.01) { return; }
      told = true;
      town.off("resize", town.xqFit);
      town.setView([lat, lon], zoom, {animate: false});
    };
  }

  const LEGEND_PX = 230;

  // The legend stands at the right: room at the left that the subject leaves goes there, before it covers any of it.
  function spare(town, bounds) {
    const zoom = town.getBoundsZoom(bounds, false, L.point(16, 16));
    const [first, last] = bounds.map((corner) => town.project(corner, zoom).x);
    const side = Math.max(0, (town.getSize().x - 16 - Math.abs(last - first)) / 2);
    return 2 * Math.max(0, Math.min(LEGEND_PX - side, side));
  }

  // The first view is ours, and not the reader's, until a hand is laid on the map: a tab that is opened, a page that
  // puts what stood side by side one below the other and a tablet that is turned all give the map another size.
  function fit(town, bounds) {
    town.xqFit = () => {
      town.xqFitting = true;
      town.fitBounds(
        bounds, {animate: false, paddingTopLeft: [8, 8], paddingBottomRight: [8 + spare(town, bounds), 8]}
      );
      town.xqFitting = false;
    };
    town.xqFit();
    town.on("resize", town.xqFit);
    for (const touch of ["pointerdown", "wheel", "keydown"]) {
      town.getContainer().addEventListener(touch, () => town.off("resize", town.xqFit), {once: true, passive: true});
    }
  }

  function start(map, options) {
    town = map;
    for (const [way, words] of [["in", options.words.zoom_in], ["out", options.words.zoom_out]]) {
      const button = town.getContainer().querySelector(`.leaflet-control-zoom-${way}`);
      button.title = words;
      button.setAttribute("aria-label", words);
    }
    fit(town, options.bounds);
    town.xqCard = card(town, options.words);
    town.xqAddress = address(town, options.name, options.subject);
    measure(town, options.words);
    together(town, options.channel);
  }

  // ---- the panel of layers ----

  const NARROW_PX = 460;  // the open panel would cover half of such a map
  const NARROW_TOUCHED_PX = 800;  // where fingers need rows of 40 pixels

  function panel(town, layers, content) {
    const control = L.control({position: "topright"});
    control.onAdd = function () {
      const box = L.DomUtil.create("div", "xq-panel");
      box.innerHTML = content;
      const narrow = window.matchMedia("(pointer: coarse)").matches ? NARROW_TOUCHED_PX : NARROW_PX;
      const width = town.getSize().x;  // none in a tab that is not open yet
      box.querySelector("details").open = width === 0 || width >= narrow;
      L.DomEvent.disableClickPropagation(box);
      L.DomEvent.disableScrollPropagation(box);
      box.querySelectorAll("input").forEach((input) => {
        const number = input.dataset.layer;
        const turn = () => { town[input.checked ? "addLayer" : "removeLayer"](layers[Number(number)]); };
        const wanted = town.xqAddress.state.layers[number];
        if (wanted !== undefined && wanted !== input.checked) { input.checked = wanted; turn(); }
        input.addEventListener("change", () => {
          turn();
          town.xqAddress.state.layers[number] = input.checked;
          town.xqAddress.write();
        });
      });
      return box;
    };
    control.addTo(town);
  }

  // ---- many incidents: points while they are few, cells that grow as the map is zoomed out ----

  function decode(text) {
    const raw = atob(text);
    const bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i += 1) { bytes[i] = raw.charCodeAt(i); }
    return new Uint16Array(bytes.buffer);
  }

  const Incidents = L.Layer.extend({
    initialize(options) {
      L.setOptions(this, options);
      this.levels = options.levels.map((level) => ({...level, data: decode(level.data)}));
      this.range = [0, options.months.length - 1];
    },
    onAdd(town) {
      const pane = town.getPane("incidents") || town.createPane("incidents");
      pane.style.zIndex = 390;
      pane.style.pointerEvents = "none";
      this.canvas = L.DomUtil.create("canvas", "xq-incidents leaflet-zoom-hide", pane);
      if (this.options.slider && !this.bar) { this.bar = slider(town, this); }
      if (this.options.slider) { this.bar.addTo(town); }
      town.on("moveend resize", this.draw, this).on("click", this.tell, this);
      this.draw();
    },
    onRemove(town) {
      this.canvas.remove();
      if (this.options.slider) { this.bar.remove(); }
      town.off("moveend resize", this.draw, this).off("click", this.tell, this);
    },
    level(pixels) { // the finest cells that are still large enough to be seen; points before all
      const fit = this.levels.filter((level) => level.cell === 0 || level.cell * pixels >= CELL_PX);
      return fit.length ? fit[0] : this.levels[this.levels.length - 1];
    },
    each(level, use) { // every place of a level with what it counts in the months shown; a place's rows follow each other
      const [first, last] = this.range, data = level.data;
      let row = 0;
      while (row < data.length) {
        const x = data[row], y = data[row + 1];
        let count = 0;
        while (row < data.length && data[row] === x && data[row + 1] === y) {
          if (data[row + 2] >= first && data[row + 2] <= last) { count += data[row + 3]; }
          row += 4;
        }
        if (count) { use(x, y, count); }
      }
    },
    span() {
      const [first, end] = this.range, months = this.options.months;
      return first === end ? months[first] : `${months[first]} – ${months[end]}`;
    },
    tell(event) { // the place under the click, where nothing else has answered
      const town = this._map;
      if (town.xqMeasuring || event.originalEvent.xqTold) { return; }
      const pixels = town.options.crs.scale(town.getZoom()) / (2 * HALF);
      const level = this.level(pixels), step = level.cell || level.step;
      const at = L.CRS.EPSG3857.project(event.latlng), half = level.cell / 2;
      let least = half || DOT_PX / pixels, total = 0;
      this.each(level, (x, y, count) => {
        const east = Math.abs(level.west + x * step + half - at.x), north = Math.abs(level.south + y * step + half - at.y);
        const away = Math.max(east, north);
        if (away <= least) { least = away; total = count; }
      });
      if (!total) { return; }
      const limit = (n, side) => Math.round(n ? n * (1 - 1 / (9 * n) + side * 1.959964 / (3 * Math.sqrt(n))) ** 3 : 0);
      const said = {place: level.place, span: this.span(), total, low: limit(total, -1), high: limit(total + 1, 1)};
      const word = (name) => (typeof said[name] === "number" ? said[name].toLocaleString("en-US") : said[name]);
      town.xqCard(this.options.words.card.replace(/\{(\w+)\}/g, (_, name) => word(name)), event.latlng);
    },
    draw() {
      const town = this._map;
      if (!town) { return; }
      const size = town.getSize(), ratio = window.devicePixelRatio || 1;
      const canvas = this.canvas, pen = canvas.getContext("2d");
      canvas.width = size.x * ratio;
      canvas.height = size.y * ratio;
      canvas.style.width = `${size.x}px`;
      canvas.style.height = `${size.y}px`;
      L.DomUtil.setPosition(canvas, town.containerPointToLayerPoint([0, 0]));
      pen.scale(ratio, ratio);
      const pixels = town.options.crs.scale(town.getZoom()) / (2 * HALF); // screen pixels a mercator metre
      const corner = town.getPixelBounds().min;
      const level = this.level(pixels), step = level.cell || level.step;
      const [first, last] = this.range;
      const top = Math.max(level.top * (last - first + 1), 1);
      pen.fillStyle = this.options.colour;
      let total = 0;
      this.each(level, (x, y, count) => {
        total += count;
        const left = (level.west + x * step + HALF) * pixels - corner.x;
        const below = (HALF - (level.south + y * step)) * pixels - corner.y;
        if (left < -60 || below < -60 || left > size.x + 60 || below > size.y + 60) { return; }
        if (level.cell === 0) {
          pen.globalAlpha = 0.42;
          pen.beginPath();
          pen.arc(left, below, Math.min(2.1 + 0.6 * (count - 1), 6), 0, 6.2832);
          pen.fill();
        } else {
          const side = level.cell * pixels;
          pen.globalAlpha = 0.12 + 0.7 * Math.min(1, Math.sqrt(count / top));
          pen.fillRect(left + 0.5, below - side + 0.5, Math.max(side - 1, 1), Math.max(side - 1, 1));
        }
      });
      this.total = total;
      if (this.bar) { this.bar.say(total, level.shown); }
    },
  });

  // ---- the slider: from which month to which ----

  function slider(town, layer) {
    const months = layer.options.months, words = layer.options.words, last = months.length - 1;
    const control = L.control({position: "bottomleft"});
    const asked = town.xqAddress.state.months || layer.options.range;
    if (asked && asked[0] <= asked[1] && asked[1] <= last) { layer.range = asked.slice(); }
    control.onAdd = () => {
      const box = L.DomUtil.create("div", "xq-months");
      box.innerHTML = '<output></output><div class="two"><input type="range"/><input type="range"/></div>';
      L.DomEvent.disableClickPropagation(box);
      const inputs = [...box.querySelectorAll("input")];
      inputs.forEach((input, end) => {
        Object.assign(input, {min: 0, max: last, step: 1, value: layer.range[end]});
        input.setAttribute("aria-label", end ? words.to : words.from);
        input.addEventListener("input", () => {
          const value = Number(input.value);
          layer.range[end] = end ? Math.max(value, layer.range[0]) : Math.min(value, layer.range[1]);
          input.value = layer.range[end];
          layer.draw();
        });
        input.addEventListener("change", () => {
          town.xqAddress.state.months = layer.range.slice();
          town.xqAddress.write();
        });
      });
      control.output = box.querySelector("output");
      return box;
    };
    control.say = (total, shown) => {
      control.output.textContent = words.said.replace("{span}", layer.span())
        .replace("{total}", total.toLocaleString("en-US")).replace("{shown}", shown);
    };
    return control;
  }

  // ---- a grid: the cell that is clicked is framed and tells its numbers ----

  const Cells = L.Layer.extend({
    initialize(options) {
      L.setOptions(this, options);
      this.frame = L.rectangle([[0, 0], [0, 0]], {color: "#2b2a28", weight: 2, fill: false, interactive: false,
        className: "xq-cell"});
    },
    onAdd(town) { town.on("click", this.tell, this).on("xqclosed", this.leave, this); },
    onRemove(town) { this.leave(); town.off("click", this.tell, this).off("xqclosed", this.leave, this); },
    leave() { this.frame.remove(); },
    tell(event) {
      const town = this._map, {lat, lng} = event.latlng;
      if (town.xqMeasuring) { return; }
      const high = this.options.half_m / 111320, wide = high / Math.cos(lat * Math.PI / 180);
      const away = (row) => Math.max(Math.abs(row[0] - lat) / high, Math.abs(row[1] - lng) / wide);
      const row = this.options.rows.reduce((near, one) => (away(one) < away(near) ? one : near));
      if (away(row) > 1.02) { return; }  // no cell of the town
      event.originalEvent.xqTold = true;
      town.xqCard(this.options.cards[row[2]].replace(/\{(\d+)\}/g, (_, place) => row[3 + Number(place)]), event.latlng);
      this.frame.setBounds([[row[0] - high, row[1] - wide], [row[0] + high, row[1] + wide]]).addTo(town);
    },
  });

  return {start, tells, signs, panel, cells: (options) => new Cells(options), incidents: (options) => new Incidents(options)};
})();
