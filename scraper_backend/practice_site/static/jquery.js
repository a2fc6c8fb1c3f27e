// The few habits of jQuery that these pages use; nothing is fetched from elsewhere.
(function () {
	function Elements(list) { this.list = list; this.length = list.length; }
	Elements.prototype = {
		each: function (act) { this.list.forEach(function (element) { act(element); }); return this; },
		ready: function (act) {
			if (document.readyState === 'loading') { document.addEventListener('DOMContentLoaded', act); } else { act(); }
			return this;
		},
		click: function (act) { return this.each(function (element) { element.addEventListener('click', act); }); },
		addClass: function (name) { return this.each(function (element) { element.classList.add(name); }); },
		removeClass: function (name) { return this.each(function (element) { element.classList.remove(name); }); },
		hide: function () { return this.each(function (element) { element.style.display = 'none'; }); },
		show: function () { return this.each(function (element) { element.style.display = 'block'; }); },
		val: function () { return this.length ? this.list[0].value.trim() : undefined; },
		attr: function (name) { return this.length ? this.list[0].getAttribute(name) : undefined; }
	};
	window.$ = window.jQuery = function (what) {
		if (typeof what === 'function') { return new Elements([]).ready(what); }
		if (typeof what === 'string') { return new Elements(Array.from(document.querySelectorAll(what))); }
		return new Elements([what]);
	};
})();
