// Run at the end of the saved dashboard by check-dashboard: what is wrong for those who use a keyboard, and which text is too
// pale for its ground (WCAG 2.1, 1.4.3: 4.5 to 1, or 3 to 1 where it is large). The verdict becomes the title.
const faults = [];
// Without it no element looks focused: now and then the browser gives it to the page too late.
const hasFocus = document.hasFocus();
const name = element => element.id || `${element.tagName.toLowerCase()} ${element.textContent.trim().replace(/\s+/g, ' ').slice(0, 20)}`;

// Stops of the tab key.
const stops = [...document.querySelectorAll('a[href], button, input, select, summary, [tabindex]')].filter(stop => stop.checkVisibility());
const skip = stops[0];
if (!skip.matches('.skip') || !document.querySelector(skip.getAttribute('href'))) faults.push('the first stop does not lead to the content');
for (const stop of stops) {
  if (stop.tabIndex > 0) faults.push(`${name(stop)} is out of turn`);
  stop.focus({focusVisible: true, preventScroll: true});
  const style = getComputedStyle(stop);
  if (document.activeElement !== stop) faults.push(`${name(stop)} takes no focus`);
  else if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2) faults.push(`${name(stop)} does not show its focus`);
  if (stop.matches('input, select') && !stop.labels.length && !stop.ariaLabel) faults.push(`${name(stop)} has no label`);
}
document.activeElement.blur();
for (const element of document.querySelectorAll('main *')) {
  const scrolls = ['auto', 'scroll'].includes(getComputedStyle(element).overflowX) && element.scrollWidth > element.clientWidth + 1;
  if (scrolls && element.tabIndex < 0) faults.push(`${name(element)} cannot be scrolled without a mouse`);
}

// Text and its ground.
const channels = color => color.match(/[\d.]+/g).map(Number);
const luminance = color => channels(color).slice(0, 3).map(c => c / 255)
  .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const isClear = color => channels(color)[3] === 0;
function ground(element) {
  for (let at = element; at; at = at.parentElement) {
    const color = getComputedStyle(at).backgroundColor;
    if (!isClear(color)) return color;
  }
  return 'rgb(255, 255, 255)';
}
// Greyed out on purpose.
const isFaded = element => { for (let at = element; at; at = at.parentElement) if (getComputedStyle(at).opacity < 1) return true; return false; };
let texts = 0;
for (const element of document.querySelectorAll('body, body *')) {
  if (![...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())) continue;
  if (element.matches('script, style') || !element.checkVisibility() || isFaded(element)) continue;
  const style = getComputedStyle(element), isDrawn = element instanceof SVGElement;
  const box = isDrawn && element.closest('g.node')?.querySelector('rect');
  const over = box ? getComputedStyle(box).fill : ground(element);
  const [a, b] = [luminance(isDrawn ? style.fill : style.color), luminance(over)];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const isLarge = parseFloat(style.fontSize) >= 24 || parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700;
  if (contrast < (isLarge ? 3 : 4.5)) faults.push(`${name(element)} has a contrast of ${contrast.toFixed(1)}`);
  texts += 1;
}
const shade = luminance(ground(document.body)) < 0.2 ? 'dark' : 'light';
document.title = hasFocus ? `${shade}, ${texts} texts, ${stops.length} stops: ${faults.join('; ') || 'no fault'}` : 'no focus';
