// Every page of the dashboard, one line a page: this is where a new one is added.
import type {ComponentType} from "preact";
import type {Place} from "../lib/router";
import type {SessionState} from "../lib/session";
import {AllowPage} from "./allow/AllowPage";
import {AuditPage} from "./audit/AuditPage";
import {ExportsPage} from "./exports/ExportsPage";
import {FeedPage} from "./feed/FeedPage";
import {IndicatorPage} from "./indicator/IndicatorPage";
import {OverviewPage} from "./overview/OverviewPage";
import {SourcePage} from "./source/SourcePage";
import {SourcesPage} from "./sources/SourcesPage";
import {SystemPage} from "./system/SystemPage";
import {VerdictsPage} from "./verdicts/VerdictsPage";

export interface PageProps {
  place: Place;
  name: string; // what stands behind the page in the path
  session: SessionState;
}

export interface PageRow {
  page: string; // the first part of the path
  menu: string; // "": not in the menu
  title: (name: string) => string;
  View: ComponentType<PageProps>;
  isNamed?: boolean;
  isCode?: boolean; // the title is an indicator or a name
}

export const PAGES: PageRow[] = [
  {page: "", menu: "Overview", title: () => "Overview", View: OverviewPage},
  {page: "feed", menu: "Feed", title: () => "Live feed", View: FeedPage},
  {page: "verdicts", menu: "Verdicts", title: () => "Verdicts", View: VerdictsPage},
  {page: "sources", menu: "Sources", title: () => "Sources", View: SourcesPage},
  {page: "sources", menu: "", title: (name) => name, View: SourcePage, isNamed: true, isCode: true},
  {page: "indicator", menu: "", title: (name) => name, View: IndicatorPage, isNamed: true, isCode: true},
  {page: "exports", menu: "Exports", title: () => "Exports", View: ExportsPage},
  {page: "allow", menu: "Allow", title: () => "Allow and deny", View: AllowPage},
  {page: "audit", menu: "Audit", title: () => "Audit", View: AuditPage},
  {page: "system", menu: "System", title: () => "System", View: SystemPage},
];
