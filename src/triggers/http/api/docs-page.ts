import { type Html, html, join } from '../../../lib/html.ts';
import type { AssetAddresses } from '../console/serve-assets.ts';
import { PROBLEMS } from '../problem.ts';

type Json = Record<string, unknown>;
type Operation = {
  operationId: string;
  tags: string[];
  summary: string;
  description?: string;
  parameters: { name: string; in: string; required: boolean; description?: string; schema: Json }[];
  requestBody?: { content: Record<string, { schema: Json }> };
  responses: Record<string, { description: string; content?: Record<string, { schema?: Json }> }>;
};

/** The OpenAPI document for people: plain HTML without a script, which loads nothing else. */
export function docsPage(document: Json, { icon, style }: Pick<AssetAddresses, 'icon' | 'style'>): string {
  const { info, paths } = document as {
    info: { title: string; version: string; description: string };
    paths: Record<string, Record<string, Operation>>;
  };
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), ...operation })),
  );
  const byTag = [...Map.groupBy(all, ({ tags }) => tags[0]!)];
  const navigation = byTag.map(([tag]) => html`<a href="#${idOf(tag)}">${tag}</a>`);
  const sections = byTag.map(
    ([tag, operations]) =>
      html`<section id="${idOf(tag)}"><h2>${tag}</h2>${join(operations.map(operationHtml), '')}</section>`,
  );
  const problems = Object.entries(PROBLEMS).map(
    ([kind, { status, title }]) =>
      html`<tr id="${kind}"><td><code>${kind}</code></td><td>${status}</td><td>${title}</td></tr>`,
  );
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${info.title} · API</title>
<link rel="icon" href="${icon}" type="image/svg+xml">
<link rel="stylesheet" href="${style}">
</head>
<body class="docs">
<header class="top"><strong>${info.title}</strong><span class="muted">${info.version}</span><nav>${join(navigation, '')}</nav></header>
<main>
<p>${info.description} Call it with <code>Authorization: Bearer &lt;token&gt;</code>, a token of <code>API_TOKENS</code>.
The same as <a href="/api/openapi.json">OpenAPI 3.1</a>.</p>
${join(sections, '')}
<section id="problems"><h2>Problems</h2>
<p>Every error is a document of the type <code>application/problem+json</code>: <code>type</code>, <code>title</code>, <code>status</code>, <code>detail</code>, <code>instance</code>, and <code>errors</code> with one entry for each bad field.</p>
<table><thead><tr><th>type</th><th>status</th><th>meaning</th></tr></thead><tbody>${join(problems, '')}</tbody></table>
</section>
</main>
</body>
</html>`.toString();
}

const idOf = (tag: string): string => tag.toLowerCase().replaceAll(' ', '-');

function operationHtml(operation: Operation & { path: string; method: string }): Html {
  const { description, method, operationId, parameters, path, requestBody, responses, summary } = operation;
  const named = parameters.map(
    (parameter) =>
      html`<tr><td><code>${parameter.name}</code></td><td>${parameter.in}${parameter.required ? ', required' : ''}</td><td>${parameter.description ?? ''}</td></tr>`,
  );
  const answers = Object.entries(responses).map(([status, answer]) => {
    const schema = Number(status) < 300 ? answer.content?.['application/json']?.schema : undefined;
    return html`<tr><td><code>${status}</code></td><td>${answer.description}${schema ? schemaHtml(schema) : ''}</td></tr>`;
  });
  const body = requestBody?.content['application/json']?.schema;
  return html`<details class="operation" id="${operationId}">
<summary><span class="method ${method.toLowerCase()}">${method}</span> <code>${path}</code> <span class="muted">${summary}</span></summary>
${description ? html`<p>${description}</p>` : ''}
${named.length > 0 ? html`<table><tbody>${join(named, '')}</tbody></table>` : ''}
${body ? html`<h4>Body</h4>${schemaHtml(body)}` : ''}
<h4>Answers</h4><table><tbody>${join(answers, '')}</tbody></table>
</details>`;
}

const schemaHtml = (schema: Json): Html => html`<pre>${JSON.stringify(schema, undefined, 2)}</pre>`;
