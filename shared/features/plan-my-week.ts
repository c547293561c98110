import type { Prompt } from "./feature.ts";

export const planMyWeek: Prompt = {
  name: "plan-my-week",
  title: "Plan my week",
  description: "Looks at the coming days in the calendar and proposes where to find quiet time.",
  arguments: [
    {
      name: "filter",
      description: "One of your saved filters; leave empty for all events",
      complete: async (typed, { settings }) => {
        const names = Object.keys((await settings.read()).filters);
        return names.filter((name) => name.startsWith(typed));
      },
    },
  ],
  render: async ({ filter }) =>
    `Use the listEvents tool${filter ? ` with the filter "${filter}"` : ""} for the next 7 days. ` +
    "Summarise the week in three sentences, then propose two blocks of at least 90 minutes without " +
    "meetings, and say what each could be used for.",
};
