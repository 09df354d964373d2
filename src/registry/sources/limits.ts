import { toolLimits } from '../tool.ts'

/** Bounds of what is brought in from other servers. */
export const sourceLimits = {
  documentBytesMax: 10 * 1_048_576,
  operationsMax: 5_000,
  refDepthMax: 64,
  /** What one schema may weigh once its references are followed, in characters. */
  schemaCharactersMax: 65_536,
  /** … and all schemas of a source. */
  schemasCharactersMax: 64 * 1_048_576,
  descriptionCharactersMax: toolLimits.importedDescriptionCharactersMax,
  propertyDescriptionCharactersMax: 1_000,
  propertiesMax: 500,
  valuesMax: 500,
  valueCharactersMax: 2_000,
  titleCharactersMax: 120,
  nameCharactersMax: 60,
  tagsMax: 8,
  /** Nodes that YAML's aliases may stand for. */
  yamlAliasesMax: 100,
  headersMax: 32,
  globsMax: 200,
} as const
