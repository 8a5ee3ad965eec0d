// The shell around every page: who is logged in, the menu, the search box, the colours.
import {useEffect, useRef, useState} from "preact/hooks";
import type {Overview, Source} from "./api/schema";
import {logOut} from "./lib/api";
import {matchPath, usePlace, type Place} from "./lib/router";
import {useSession, type SessionState} from "./lib/session";
import {switchTheme, themeNow} from "./lib/theme";
import {useApi} from "./lib/useApi";
import {PAGES, type PageProps} from "./pages";
import {LoginPage} from "./pages/login/LoginPage";
import {Search} from "./parts/Search";
import type {Page as List} from "./parts/More";

function ThemeButton() {
  const [theme, setTheme] = useState(themeNow);
  return (
    <button type="button" class="flat" onClick={() => setTheme(switchTheme())} title="Light, dark, or as the system has it">
      Theme: {theme}
    </button>
  );
}

function Menu({page}: {page: string}) {
  return (
    <nav aria-label="Pages">
      <ul>
        {PAGES.filter((item) => item.menu).map((item) => (
          <li key={item.page}>
            <a href={`/${item.page}`} aria-current={item.page === page ? "page" : undefined}>{item.menu}</a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Page({place, session}: {place: Place; session: SessionState}) {
  const {page, name} = matchPath(place.path);
  const found = PAGES.find((item) => item.page === page && Boolean(item.isNamed) === (name !== ""));
  const title = found?.title(name) ?? "No such page";
  const heading = useRef<HTMLHeadingElement>(null);
  const isFirst = useRef(true);

  useEffect(() => {
    document.title = `${title} · TIP`;
    if (!isFirst.current) heading.current?.focus(); // a screen reader hears where it is now
    isFirst.current = false;
  }, [place.path]);

  const props: PageProps = {place, name, session};
  return (
    <main id="main">
      <h1 ref={heading} tabIndex={-1} class={found?.isCode ? "code" : ""}>{title}</h1>
      {found ? <found.View key={place.path} {...props} /> : <p>Nothing is at this address. <a href="/">The overview</a> is a good place to start.</p>}
    </main>
  );
}

function Inside({place, session, onLeave}: {place: Place; session: SessionState; onLeave: () => void}) {
  const overview = useApi<Overview>("/api/v1/overview", 5000);
  const sources = useApi<List<Source>>("/api/v1/sources", 60_000);
  const {page} = matchPath(place.path);
  return (
    <>
      {overview.data?.simulated && (
        <aside class="simulated" aria-label="Simulated"><strong>SIMULATED</strong> A lab: nothing on these pages is about the real internet.</aside>
      )}
      <header class="top">
        <a class="skip" href="#main">To the content</a>
        <a class="brand" href="/"><img src="/icon.svg" alt="" width={28} height={28} /><span>TIP</span></a>
        <Menu page={page} />
        <Search sources={(sources.data?.items ?? []).map((source) => source.name)} />
      </header>
      <Page place={place} session={session} />
      <footer class="bottom">
        <span>{typeof session === "object" && <>{session.name}, {session.scopes.join(" and ")}, TLP:{session.audience.toUpperCase()}</>}</span>
        <span>Times are UTC.</span>
        <ThemeButton />
        <button type="button" class="flat" onClick={onLeave}>Log out</button>
      </footer>
    </>
  );
}

export function App() {
  const place = usePlace();
  const [session, setSession] = useSession();
  if (session === "asking") return <main class="alone"><p role="status">Asking tip-web who you are …</p></main>;
  if (session === "none" || place.path === "/login") return <LoginPage place={place} onSession={setSession} />;
  return <Inside place={place} session={session} onLeave={() => void logOut().then(() => setSession("none"))} />;
}
