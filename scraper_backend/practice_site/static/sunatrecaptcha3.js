// Stands where a captcha service would: the "token" is 52 random base-36 digits made by the browser itself.
(function () {
	var DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz';
	function token() {
		var text = '';
		while (text.length < 52) { text += DIGITS.charAt(Math.floor(Math.random() * 36)); }
		return text;
	}
	window.grecaptcha = {
		ready: function (act) { act(); },
		execute: function () { return Promise.resolve(token()); }
	};
})();
