// Every page of the dashboard. A new page is one line here: it gets the checks of accessibility, width, reload and links.
export const PAGES = [
  {name: "overview", path: "/", sees: "The loop"},
  {name: "feed", path: "/feed?prefix=schedule.", sees: "Topic prefixes"},
  {name: "verdicts", path: "/verdicts?tier=slow", sees: "192.0.2.7"},
  {name: "indicator", path: "/indicator/192.0.2.7", sees: "Why this score"},
  {name: "unknown", path: "/indicator/203.0.113.250", sees: "No list has it now"},
  {name: "nonsense", path: "/indicator/%3Cb%3E", sees: "understood"},
  {name: "sources", path: "/sources", sees: "broken"},
  {name: "overlaps", path: "/sources?q=hosts&order=name", sees: "Both have"},
  {name: "source", path: "/sources/hosts", sees: "Weights, newest first"},
  {name: "rejects", path: "/sources/hostile", sees: "Rejected lines"},
  {name: "exports", path: "/exports", sees: "drop.nft"},
  {name: "allow", path: "/allow", sees: "comes before any score"},
  {name: "audit", path: "/audit", sees: "Service"},
  {name: "system", path: "/system", sees: "Publishers"},
];
