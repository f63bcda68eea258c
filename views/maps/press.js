// The first press gives the map the keyboard. A page that scrolled the rest of the map into sight for that would move it
// away under the pointer, and the click would land beside its place or be lost.
globalThis.L.Map.Keyboard.include({
  _onMouseDown() { if (!this._focused) { this._map.getContainer().focus({preventScroll: true}); } },
});
