import { jsonSchemaOf, runConfigSchema } from '../pipeline/index.ts';
import { BaseCommand, configArgs, configFlags } from './base-command.ts';
import { stagesOf } from './workspace.ts';

export default class Schema extends BaseCommand {
  static override summary = 'Print the JSON Schema of configurations, for editors.';
  static override description =
    'Write it to a file and name that in the first line of a configuration: # yaml-language-server: ' +
    '$schema=calm.schema.json';
  static override examples = ['calm schema > calm.schema.json'];
  static override args = configArgs;
  static override flags = { config: configFlags.config };

  override async run() {
    const { args, flags } = await this.parse(Schema);
    const registry = await stagesOf(this.config, args.config ?? flags.config);
    const run = runConfigSchema['~standard'].jsonSchema.input({ target: 'draft-2020-12' }) as {
      properties: Record<string, unknown> & { stages: { additionalProperties?: unknown } };
    };
    const entry = run.properties.stages.additionalProperties as {
      anyOf?: { properties?: object }[];
      properties?: object;
    };
    const pipelineKeys = entry.properties ?? entry.anyOf?.[0]?.properties ?? {};
    const properties = Object.fromEntries(
      registry.list().map(({ stage }) => [stage.name, withKeys(jsonSchemaOf(stage), pipelineKeys)]),
    );
    const schema = {
      ...run,
      properties: { ...run.properties, stages: { ...run.properties.stages, properties } },
    };
    this.say(JSON.stringify(schema, null, 2));
    return schema;
  }
}

/** A stage's fields with the pipeline's own keys beside them. An entry may be empty. */
function withKeys(schema: Record<string, unknown>, keys: object): Record<string, unknown> {
  const { $schema: _, ...fields } = schema;
  return {
    ...fields,
    type: ['object', 'null'],
    properties: { ...keys, ...(fields.properties as object | undefined) },
  };
}
