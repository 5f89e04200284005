/// The parts of the page of a graph that are the same for every graph.
enum GraphPage {
  static let style = """
    :root { --ink: #1d2430; --soft: #667085; --line: #98a2b3; --paper: #fff; --band: #f5f7fa; --edge: #d8dee8; --node: #fff;
      --root: #e7f0ff; --rootline: #3b73d1; --hot: #c8102e; --build: #9db8e8; --hook: #3b73d1; }
    @media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #98a2b3; --line: #667085; --paper: #12161d;
      --band: #1a2029; --edge: #323c4b; --node: #222a36; --root: #1e3252; --rootline: #7aa7f5; --hot: #ff6b81; --build: #41598a;
      --hook: #7aa7f5; } }
    * { box-sizing: border-box; }
    body { margin: 0; font: 14px/1.45 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; color: var(--ink); background: var(--paper); }
    header { display: flex; flex-wrap: wrap; gap: 6px 20px; align-items: baseline; padding: 14px 20px; position: sticky; top: 0;
      left: 0; background: var(--paper); border-bottom: 1px solid var(--edge); z-index: 1; }
    h1 { font-size: 18px; margin: 0; } h2 { font-size: 15px; margin: 22px 20px 2px; }
    header p, .hint { color: var(--soft); margin: 0; } .hint { margin: 2px 20px 8px; }
    #find { font: inherit; padding: 3px 8px; border: 1px solid var(--line); border-radius: 6px; background: var(--node); color: inherit; width: 230px; }
    .key { display: flex; flex-wrap: wrap; gap: 2px 14px; list-style: none; margin: 0; padding: 0; color: var(--soft); font-size: 12px; }
    .key i { display: inline-block; width: 18px; height: 11px; margin-right: 5px; border: 1px solid var(--line); border-radius: 3px; background: var(--node); }
    .key .k-root { border-radius: 6px; background: var(--root); border-color: var(--rootline); } .key .k-unused { border-style: dotted; opacity: .5; }
    .key .k-critical { border: 2px solid var(--hot); } .key .k-line, .key .k-dash { height: 0; border-width: 1.5px 0 0; vertical-align: 4px; }
    .key .k-dash { border-style: dashed; }
    .scroll { overflow: auto; padding: 0 8px; } svg.fit { width: 100%; height: 80vh; } svg { display: block; font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, monospace; }
    rect.module { fill: var(--band); stroke: var(--edge); } text.module { fill: var(--soft); font: 600 12px system-ui, Helvetica, Arial, sans-serif; }
    .node rect { fill: var(--node); stroke: var(--line); } .node text { fill: var(--ink); text-anchor: middle; }
    .node.root rect { fill: var(--root); stroke: var(--rootline); } .node.scoped rect, .node.transient rect { stroke-dasharray: 4 3; }
    .node.unused { opacity: .45; } .node.unused rect { stroke-dasharray: 1 3; } .node.critical rect { stroke: var(--hot); stroke-width: 2; }
    .edge { fill: none; stroke: var(--line); stroke-width: 1; marker-end: url(#tip); opacity: .55; } #tip path { fill: var(--line); fill: context-stroke; }
    .edge.optional, .edge.lazy, .edge.factory { stroke-dasharray: 5 4; } .edge.critical { stroke: var(--hot); stroke-width: 2; opacity: 1; }
    svg.dim .node:not(.on) { opacity: .18; } svg.dim .edge:not(.on) { opacity: .06; } svg .edge.on { opacity: 1; stroke-width: 1.8; }
    .node.here rect { stroke-width: 2.5; } .node { cursor: pointer; }
    table.timeline { border-collapse: collapse; width: calc(100% - 40px); margin: 0 20px; table-layout: fixed; }
    .timeline th { width: 290px; text-align: right; font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, monospace; padding: 1px 10px 1px 0; white-space: nowrap;
      overflow: hidden; text-overflow: ellipsis; } .timeline .number, .timeline thead td:last-child { width: 80px; text-align: right; color: var(--soft); }
    .timeline td { padding: 1px 0; } .lane { position: relative; height: 15px; background: var(--band); border-radius: 3px; overflow: hidden; }
    .lane b { position: absolute; top: 2px; bottom: 2px; min-width: 1px; border-radius: 2px; } b.build { background: var(--build); } b.hook { background: var(--hook); }
    tr.critical th { color: var(--hot); } tr.critical b.hook, tr.critical b.build { background: var(--hot); } tr.critical b.build { opacity: .55; }
    .axis { display: flex; justify-content: space-between; color: var(--soft); font-size: 12px; }
    .swatch { display: inline-block; width: 18px; height: 10px; border-radius: 2px; margin: 0 4px 0 10px; } footer, main { padding-bottom: 30px; }
    """

  /// Pointing at a node shows what it needs and who needs it, all the way; a click keeps that; the search field dims the rest.
  static let script = """
    const svg = document.getElementById('graph'), nodes = [...svg.querySelectorAll('.node')], edges = [...svg.querySelectorAll('.edge')];
    const next = {f: {}, t: {}};
    for (const e of edges) { (next.f[e.dataset.f] ??= []).push(e); (next.t[e.dataset.t] ??= []).push(e); }
    let pinned = null;
    function clear() { svg.classList.remove('dim'); for (const x of [...nodes, ...edges]) x.classList.remove('on', 'here'); }
    function show(start) {
      clear(); svg.classList.add('dim'); nodes[start].classList.add('here');
      for (const [side, other] of [['f', 't'], ['t', 'f']]) {
        const seen = new Set([String(start)]), stack = [String(start)];
        while (stack.length) for (const e of next[side][stack.pop()] ?? []) {
          e.classList.add('on'); const n = e.dataset[other]; if (!seen.has(n)) { seen.add(n); stack.push(n); }
        }
        for (const n of seen) nodes[n].classList.add('on');
      }
    }
    for (const g of nodes) {
      g.addEventListener('mouseenter', () => pinned ?? show(g.dataset.n));
      g.addEventListener('mouseleave', () => pinned ?? clear());
      g.addEventListener('click', e => { pinned = pinned === g.dataset.n ? null : g.dataset.n; show(g.dataset.n); e.stopPropagation(); });
    }
    svg.addEventListener('click', () => { pinned = null; clear(); });
    document.getElementById('fit').addEventListener('change', e => svg.classList.toggle('fit', e.target.checked));
    document.getElementById('find').addEventListener('input', e => {
      const text = e.target.value.toLowerCase(); clear(); pinned = null; if (!text) return;
      svg.classList.add('dim');
      const found = nodes.filter(g => g.querySelector('title').textContent.toLowerCase().includes(text));
      for (const g of found) g.classList.add('on');
      if (found[0]) found[0].scrollIntoView({block: 'center', inline: 'center'});
    });
    """
}
