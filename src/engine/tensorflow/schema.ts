/**
 * Field numbers of TensorFlow's messages, as its .proto files have them; the names are those of the fields.
 */

export const SAVED_MODEL = { savedModelSchemaVersion: 1, metaGraphs: 2 } as const;
export const META_GRAPH = { metaInfoDef: 1, graphDef: 2 } as const;
export const META_INFO = { tags: 4 } as const;
export const GRAPH = { node: 1, versions: 4 } as const;
export const VERSIONS = { producer: 1 } as const;
export const NODE = { name: 1, op: 2, input: 3, attr: 5 } as const;
/** An entry of a map, such as the attributes of a node. */
export const ENTRY = { key: 1, value: 2 } as const;
export const ATTRIBUTE = { s: 2, i: 3, f: 4, b: 5, type: 6, shape: 7, tensor: 8 } as const;
export const TENSOR = { dtype: 1, tensorShape: 2, tensorContent: 4 } as const;
export const TENSOR_SHAPE = { dim: 2 } as const;
export const DIMENSION = { size: 1 } as const;

/** DataType. */
export const DATA_TYPES = { float32: 1, int32: 3, bool: 10, bfloat16: 14 } as const;
