/// The parts of the dashboard that are the same for every app.
enum DashboardStyle {
  static let css = """
    :root { color-scheme: light dark; --ink: #1d2430; --soft: #5b6577; --line: #98a2b3; --paper: #f4f6f9; --card: #fff;
      --band: #f5f7fa; --edge: #d8dee8; --node: #fff; --root: #e7f0ff; --rootline: #3b73d1; --hot: #c8102e; --build: #9db8e8;
      --hook: #3b73d1; --good: #116b3a; --goodbg: #dcf4e4; --fair: #7a4b00; --fairbg: #fdeecb; --bad: #a30d25;
      --badbg: #fde1e5; --link: #1f57b3; }
    @media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #a3adbd; --line: #667085; --paper: #0f1319;
      --card: #171c24; --band: #1d232d; --edge: #323c4b; --node: #222a36; --root: #1e3252; --rootline: #7aa7f5; --hot: #ff6b81;
      --build: #41598a; --hook: #7aa7f5; --good: #7fe0a6; --goodbg: #12361f; --fair: #ffd27a; --fairbg: #3d2e0a;
      --bad: #ff9aa9; --badbg: #46141d; --link: #8db8ff; } }
    * { box-sizing: border-box; }
    body { margin: 0; font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; color: var(--ink); background: var(--paper); }
    a { color: var(--link); } :focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
    .skip { position: absolute; left: -999px; } .skip:focus { left: 8px; top: 8px; background: var(--card); padding: 6px 10px; z-index: 2; }
    header { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: center; padding: 12px 20px; background: var(--card);
      border-bottom: 1px solid var(--edge); }
    h1 { font-size: 20px; margin: 0; } h1 small { font-weight: 400; color: var(--soft); } h2 { font-size: 16px; margin: 0 0 8px; }
    h3 { font-size: 14px; margin: 10px 0 4px; } p { margin: 4px 0; } header p { margin: 0; }
    nav { display: flex; flex-wrap: wrap; gap: 2px 14px; width: 100%; } .soft { color: var(--soft); }
    #live { margin-left: auto; color: var(--soft); }
    main { display: grid; grid-template-columns: repeat(12, minmax(0, 1fr)); gap: 14px; padding: 14px 20px 40px; max-width: 1500px; margin: auto; }
    section { grid-column: span 6; background: var(--card); border: 1px solid var(--edge); border-radius: 10px; padding: 14px 16px; min-width: 0; }
    #start, #graph, #configuration { grid-column: span 12; } #migrations { grid-column: span 6; } #log, #build { grid-column: span 6; }
    @media (max-width: 900px) { section, #migrations, #log, #build { grid-column: span 12; } main { padding: 10px; gap: 10px; } }
    .badge { display: inline-block; padding: 0 9px; border-radius: 20px; font-weight: 600; background: var(--band); }
    .good { color: var(--good); background: var(--goodbg); } .fair { color: var(--fair); background: var(--fairbg); }
    .bad { color: var(--bad); background: var(--badbg); }
    .scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 14px; }
    th, td { text-align: left; padding: 4px 10px 4px 0; border-bottom: 1px solid var(--edge); vertical-align: top; }
    thead th { color: var(--soft); font-weight: 500; white-space: nowrap; } tbody tr:last-child td { border-bottom: 0; }
    .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
    code { font: 13px ui-monospace, "DejaVu Sans Mono", Menlo, monospace; overflow-wrap: anywhere; }
    .gauges { display: flex; flex-wrap: wrap; gap: 8px; margin: 0 0 10px; }
    .gauge { flex: 1 1 76px; background: var(--band); border-radius: 8px; padding: 6px 10px; display: flex; flex-direction: column; }
    .gauge dd { margin: 0; font-size: 24px; font-weight: 600; font-variant-numeric: tabular-nums; } .gauge dt { color: var(--soft); font-size: 13px; }
    .gauge.fair { background: var(--fairbg); } .gauge.bad { background: var(--badbg); }
    figure { margin: 0; } .history { width: 100%; height: 80px; background: var(--band); border-radius: 6px; display: block; }
    .history .used { fill: var(--hook); opacity: .55; } .history .open { fill: none; stroke: var(--soft); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
    .history .max { stroke: var(--line); stroke-dasharray: 4 4; vector-effect: non-scaling-stroke; } .history .wait { fill: var(--hot); }
    .key { display: inline-block; width: 14px; height: 10px; margin: 0 4px 0 8px; border-radius: 2px; } .key.used { background: var(--hook); opacity: .55; }
    .key.open { background: none; border-bottom: 2px solid var(--soft); border-radius: 0; } .key.wait { background: var(--hot); }
    summary { cursor: pointer; color: var(--link); } ul { margin: 0; padding-left: 20px; }
    select, button { font: inherit; padding: 3px 10px; border: 1px solid var(--line); border-radius: 6px; background: var(--band); color: inherit; }
    #graph svg { display: block; font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, monospace; }
    rect.module { fill: var(--band); stroke: var(--edge); } text.module { fill: var(--soft); font: 600 12px system-ui, Helvetica, Arial, sans-serif; }
    .node rect { fill: var(--node); stroke: var(--line); } .node text { fill: var(--ink); text-anchor: middle; }
    .node.root rect { fill: var(--root); stroke: var(--rootline); } .node.scoped rect, .node.transient rect { stroke-dasharray: 4 3; }
    .node.unused { opacity: .45; } .node.unused rect { stroke-dasharray: 1 3; } .node.critical rect { stroke: var(--hot); stroke-width: 2; }
    .edge { fill: none; stroke: var(--line); stroke-width: 1; marker-end: url(#tip); opacity: .55; } #tip path { fill: var(--line); }
    .edge.optional, .edge.lazy, .edge.factory { stroke-dasharray: 5 4; } .edge.critical { stroke: var(--hot); stroke-width: 2; opacity: 1; }
    #start h2 + h2 { font-size: 14px; font-weight: 500; } .hint { color: var(--soft); margin: 2px 0 8px; overflow-wrap: anywhere; }
    .timeline { table-layout: fixed; } .timeline th { width: 34%; text-align: right; font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, monospace;
      white-space: nowrap; overflow: hidden; text-overflow: ellipsis; color: inherit; } .timeline th, .timeline td { border: 0; padding: 1px 10px 1px 0; }
    .timeline .number, .timeline thead td:last-child { width: 80px; text-align: right; color: var(--soft); padding-right: 0; }
    .lane { position: relative; height: 15px; background: var(--band); border-radius: 3px; overflow: hidden; }
    .lane b { position: absolute; top: 2px; bottom: 2px; min-width: 1px; border-radius: 2px; } b.build { background: var(--build); } b.hook { background: var(--hook); }
    tr.critical th { color: var(--hot); } tr.critical b.hook, tr.critical b.build { background: var(--hot); } tr.critical b.build { opacity: .55; }
    .axis { display: flex; justify-content: space-between; color: var(--soft); font-size: 12px; }
    .swatch { display: inline-block; width: 18px; height: 10px; border-radius: 2px; margin: 0 4px 0 10px; }
    """

  /// Fetches the page every few seconds and takes over what changes; a section that is being used is left alone.
  static let script = """
    const live = document.getElementById('live'), box = live.querySelector('input');
    live.hidden = false;
    async function refresh() {
      if (!box.checked || document.hidden) return;
      try {
        const answer = await fetch(location.pathname, {cache: 'no-store'});
        if (!answer.ok) throw new Error(answer.status);
        const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
        document.title = page.title;
        for (const id of ['state', 'uptime', 'health', 'pool', 'queries', 'migrations']) {
          const old = document.getElementById(id), fresh = page.getElementById(id);
          if (!old || !fresh || old.contains(document.activeElement)) continue;
          const open = old.querySelector('details')?.open;
          if (open) fresh.querySelector('details')?.setAttribute('open', '');
          old.replaceWith(document.adoptNode(fresh));
        }
      } catch {
        const state = document.getElementById('state');
        state.textContent = 'no answer'; state.className = 'badge bad';
      }
    }
    setInterval(refresh, 5000);
    """
}
