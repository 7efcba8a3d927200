// What a new report begins with.

export interface Template {
  id: string;
  title: string;
  about: string;
  markdown: string;
}

const BLOCK = "```";

export const EMPTY = "";

export const TEMPLATES: readonly Template[] = [
  {
    id: "empty",
    title: "Empty report",
    about: "A page to begin with.",
    markdown: EMPTY,
  },
  {
    id: "result",
    title: "A result",
    about: "What was found, the figure that shows it, how it was done.",
    markdown: `## What we found

Say it in one sentence. Over {{ n(METRIC) }} runs it is {{ mean(METRIC) ± ci }}; the best is {{ best(METRIC) }}, of the run {{ best_run(METRIC) }}.

## What shows it

${BLOCK}treering
{
  "panel": {
    "type": "line",
    "settings": {
      "keys": ["METRIC"]
    }
  },
  "caption": "What one sees in it"
}
${BLOCK}

## How it was done

The data, the model, what was varied.

## What it does not show

What was not tried, and what would change our mind.
`,
  },
  {
    id: "comparison",
    title: "A comparison",
    about: "Two groups of runs: how far they are apart, and how surely.",
    markdown: `${BLOCK}treering
{
  "runs": {
    "A": {
      "filter": "state = \\"finished\\""
    },
    "B": {
      "filter": "state = \\"finished\\""
    }
  }
}
${BLOCK}

## The answer

A reaches {{ mean(METRIC, runs="A") ± ci }} and B {{ mean(METRIC, runs="B") ± ci }}: a difference of {{ test(METRIC, "A", "B") }}.

${BLOCK}treering
{
  "panels": [
    {
      "type": "line",
      "title": "A",
      "settings": {
        "keys": ["METRIC"]
      }
    }
  ],
  "runs": "A"
}
${BLOCK}

${BLOCK}treering
{
  "panels": [
    {
      "type": "line",
      "title": "B",
      "settings": {
        "keys": ["METRIC"]
      }
    }
  ],
  "runs": "B"
}
${BLOCK}
`,
  },
];

/** A template with the metric that the project is most likely about. */
export function filled(markdown: string, metric: string | null): string {
  const name = metric ?? "loss";
  const plain = /^[A-Za-z_][\w.:@]*(\/[\w.:@]+)*$/.test(name);
  return markdown
    .replaceAll('"METRIC"', JSON.stringify(name))
    .replaceAll("METRIC", plain ? name : `\`${name}\``);
}
