/** Says that the collector is gone, since when, and that it is being asked again. */
import { retryNow, useConnection } from "../api/connection";
import { clockSeconds } from "../format/time";
import { Button } from "../ui/button";
import { Icon } from "../ui/icons";
import { useNow } from "../ui/now";

export function OfflineBanner() {
  const { offlineSince, retryAt } = useConnection();
  const now = useNow();
  if (offlineSince === null) return null;
  const wait = retryAt === null ? 0 : Math.max(0, Math.ceil((retryAt - now) / 1000));
  return (
    <div className="banner critical" role="alert">
      <Icon name="critical" />
      <p>
        The collector does not answer since {clockSeconds(offlineSince)}. What you see is the last that was
        known.
        <span className="muted" aria-hidden="true">
          {wait > 0 ? ` Trying again in ${wait}\u2009s.` : " Trying again…"}
        </span>
      </p>
      <Button onClick={retryNow}>Try now</Button>
    </div>
  );
}
