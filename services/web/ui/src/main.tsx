import {render} from "preact";
import {App} from "./app";
import {followLinks} from "./lib/router";
import {applyTheme, themeNow} from "./lib/theme";
import "./theme/theme.css";
import "./theme/frame.css";
import "./theme/parts.css";
import "./theme/table.css";
import "./theme/loop.css";
import "./theme/heat.css";

applyTheme(themeNow());
followLinks();
render(<App />, document.getElementById("app")!);
