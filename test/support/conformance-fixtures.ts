import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { ServerNotification, ServerRequest } from '@modelcontextprotocol/sdk/types.js';
import { SetLevelRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

/** Tools, resources and prompts that the official conformance suite wants to find; never part of the product. */

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;
// biome-ignore lint/suspicious/noExplicitAny: requests and results as the suite has them.
type Anything = any;

const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
const SILENCE = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';
const text = (words: string) => ({ type: 'text', text: words });
const image = { type: 'image', data: PIXEL, mimeType: 'image/png' };
const embedded = (uri: string, words: string) => ({
  type: 'resource',
  resource: { uri, mimeType: 'text/plain', text: words },
});
const content = (...blocks: object[]) => ({ content: blocks });

const pause = () => new Promise((resolve) => setTimeout(resolve, 50));

const tools: Record<string, (input: Anything, extra: Extra) => Promise<Anything>> = {
  test_simple_text: async () => content(text('This is a simple text response for testing.')),
  test_image_content: async () => content(image),
  test_audio_content: async () => content({ type: 'audio', data: SILENCE, mimeType: 'audio/wav' }),
  test_embedded_resource: async () =>
    content(embedded('test://embedded-resource', 'This is an embedded resource content.')),
  test_multiple_content_types: async () =>
    content(
      text('Multiple content types test:'),
      image,
      embedded('test://mixed-content-resource', '{"test":"data"}'),
    ),
  test_error_handling: async () => ({
    isError: true,
    ...content(text('This tool intentionally returns an error for testing')),
  }),
  test_tool_with_logging: async (_, extra) => {
    for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
      await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
      await pause();
    }
    return content(text('Done.'));
  },
  test_tool_with_progress: async (_, extra) => {
    const progressToken = extra._meta?.progressToken ?? 0;
    for (const progress of [0, 50, 100]) {
      const params = { progressToken, progress, total: 100, message: `Completed step ${progress} of 100` };
      await extra.sendNotification({ method: 'notifications/progress', params });
      await pause();
    }
    return content(text(String(progressToken)));
  },
  test_sampling: async ({ prompt }, extra) => {
    const messages = [{ role: 'user', content: text(prompt) }];
    const params = { messages, maxTokens: 100 };
    const answer = await extra.sendRequest(
      { method: 'sampling/createMessage', params } as Anything,
      z.looseObject({}),
    );
    return content(text(`LLM response: ${JSON.stringify(answer.content)}`));
  },
  test_elicitation: async ({ message }, extra) =>
    elicit(message, { response: { type: 'string', description: "User's response" } }, ['response'], extra),
  test_elicitation_sep1034_defaults: async (_, extra) =>
    elicit(
      'Please review and update the form fields with defaults',
      {
        name: { type: 'string', default: 'John Doe' },
        age: { type: 'integer', default: 30 },
        score: { type: 'number', default: 95.5 },
        status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
        verified: { type: 'boolean', default: true },
      },
      [],
      extra,
    ),
  test_elicitation_sep1330_enums: async (_, extra) => {
    const options = ['option1', 'option2', 'option3'];
    const titled = [
      { const: 'value1', title: 'First Option' },
      { const: 'value2', title: 'Second Option' },
      { const: 'value3', title: 'Third Option' },
    ];
    const fields = {
      untitledSingle: { type: 'string', enum: options },
      titledSingle: { type: 'string', oneOf: titled },
      legacyEnum: {
        type: 'string',
        enum: ['opt1', 'opt2', 'opt3'],
        enumNames: ['Option One', 'Option Two', 'Option Three'],
      },
      untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
      titledMulti: { type: 'array', items: { anyOf: titled } },
    };
    return elicit('Please choose', fields, [], extra);
  },
  json_schema_2020_12_tool: async (input) => content(text(JSON.stringify(input))),
};

async function elicit(message: string, properties: object, required: string[], extra: Extra) {
  const params = { message, requestedSchema: { type: 'object', properties, required } };
  const answer = await extra.sendRequest(
    { method: 'elicitation/create', params } as Anything,
    z.looseObject({}),
  );
  return content(text(`User response: ${JSON.stringify(answer)}`));
}

const listedTools = Object.keys(tools).map((name) => ({
  name,
  description: `Fixture ${name}.`,
  inputSchema:
    name === 'json_schema_2020_12_tool'
      ? {
          $schema: 'https://json-schema.org/draft/2020-12/schema',
          type: 'object',
          $defs: {
            address: { type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } },
          },
          properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
          additionalProperties: false,
        }
      : { type: 'object' },
}));

const resources: Record<string, object> = {
  'test://static-text': { mimeType: 'text/plain', text: 'This is the content of the static text resource.' },
  'test://static-binary': { mimeType: 'image/png', blob: PIXEL },
  'test://watched-resource': { mimeType: 'text/plain', text: 'Watched.' },
};
const TEMPLATE = /^test:\/\/template\/([^/]+)\/data$/;

const prompts = [
  { name: 'test_simple_prompt', description: 'A prompt.' },
  {
    name: 'test_prompt_with_arguments',
    description: 'A prompt with arguments.',
    arguments: ['arg1', 'arg2'].map((name) => ({ name, description: name, required: true })),
  },
  {
    name: 'test_prompt_with_embedded_resource',
    description: 'A prompt with a resource.',
    arguments: [{ name: 'resourceUri', description: 'URI', required: true }],
  },
  { name: 'test_prompt_with_image', description: 'A prompt with an image.' },
];
const said = (...blocks: object[]) => ({
  messages: blocks.map((block) => ({ role: 'user', content: block })),
});

const getPrompt: Record<string, (input: Anything) => object> = {
  test_simple_prompt: () => said(text('This is a simple prompt for testing.')),
  test_prompt_with_arguments: ({ arg1, arg2 }) =>
    said(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  test_prompt_with_embedded_resource: ({ resourceUri }) =>
    said(
      embedded(resourceUri, 'Embedded resource content for testing.'),
      text('Please process the embedded resource above.'),
    ),
  test_prompt_with_image: () => said(image, text('Please analyze the image above.')),
};

/** The server of a session, with the fixtures beside what the product has. To be called before it is connected. */
export function withConformanceFixtures(server: Server): Server {
  const product = server.fallbackRequestHandler;
  server.registerCapabilities({ logging: {}, prompts: {} });
  server.setRequestHandler(SetLevelRequestSchema, async () => ({}));
  server.fallbackRequestHandler = async (request, extra) => {
    const params = (request.params ?? {}) as Anything;
    const beside = async (member: string, more: object[]): Promise<Anything> => {
      const answer = (await product?.(request, extra)) as Anything;
      return { ...answer, [member]: [...answer[member], ...more] };
    };
    switch (request.method) {
      case 'tools/list':
        return beside('tools', listedTools);
      case 'tools/call':
        if (Object.hasOwn(tools, params.name)) return tools[params.name]?.(params.arguments ?? {}, extra);
        break;
      case 'resources/list':
        return beside(
          'resources',
          Object.keys(resources).map((uri) => ({ uri, name: uri, description: 'Fixture.' })),
        );
      case 'resources/templates/list':
        return beside('resourceTemplates', [{ uriTemplate: 'test://template/{id}/data', name: 'fixture' }]);
      case 'resources/read': {
        const { uri } = params;
        const id = TEMPLATE.exec(uri)?.[1];
        if (id !== undefined) {
          return {
            contents: [
              {
                uri,
                mimeType: 'application/json',
                text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
              },
            ],
          };
        }
        if (Object.hasOwn(resources, uri)) return { contents: [{ uri, ...resources[uri] }] };
        break;
      }
      case 'prompts/list':
        return { prompts };
      case 'prompts/get':
        return getPrompt[params.name]?.(params.arguments ?? {}) ?? {};
      case 'completion/complete':
        if (params.ref?.type === 'ref/prompt')
          return { completion: { values: [], total: 0, hasMore: false } };
        break;
    }
    return product?.(request, extra) as Anything;
  };
  return server;
}
