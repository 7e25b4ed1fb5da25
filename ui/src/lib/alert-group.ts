/** Alerts of one name and state together, so that a rule with many instances does not fill the page. */
import type { Alert, AlertState } from "./contract.ts";

export interface AlertGroup {
  id: string;
  name: string;
  state: AlertState;
  alerts: Alert[];
}

/** Return the groups in the order of their first alerts; within each the alerts keep theirs. */
export function groupAlerts(alerts: readonly Alert[]): AlertGroup[] {
  const groups = new Map<string, AlertGroup>();
  for (const alert of alerts) {
    const { name, state } = alert;
    const id = `${state} ${name}`;
    const group = groups.get(id) ?? { id, name, state, alerts: [] };
    group.alerts.push(alert);
    groups.set(id, group);
  }
  return [...groups.values()];
}

const IN_THE_HEAD = new Set(["alertname", "severity"]); // shown on every card anyway

/** Return the labels that tell an alert from its siblings: `session_id=s-7 user_id=u-1`. */
export function distinguish(alert: Alert): string {
  return Object.entries(alert.labels)
    .filter(([name]) => !IN_THE_HEAD.has(name))
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}
