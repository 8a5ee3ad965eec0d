import type {Overview, Source, Status} from "../../api/schema";
import type {Page} from "../../parts/More";
import {useApi} from "../../lib/useApi";

/** What the first page is made of; each part is asked as often as it changes. */
export function useOverview() {
  const overview = useApi<Overview>("/api/v1/overview", 1000);
  const status = useApi<Status>("/api/v1/status", 3000);
  const sources = useApi<Page<Source>>("/api/v1/sources", 5000);
  return {overview, status, sources};
}
