/** TensorFlow's messages, as far as a step needs them. */

import type { Literal } from '../trace/operation.ts';
import { ProtoWriter } from '../trace/protobuf.ts';
import type { TensorFlowAttribute } from './operation.ts';
import * as schema from './schema.ts';

/** The version of graphs that is written; older ones would be upgraded on loading. */
const PRODUCER = 1900;

const { ATTRIBUTE, DATA_TYPES, DIMENSION, ENTRY, GRAPH, NODE, TENSOR, TENSOR_SHAPE } = schema;

/** An attribute as it is written: a literal is the value of a constant. */
export type WrittenAttribute =
  | Exclude<TensorFlowAttribute, { unique: string }>
  | { readonly tensor: Literal };

export interface NodeFields {
  readonly name: string;
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly attributes: Readonly<Record<string, WrittenAttribute>>;
}

export function nodeMessage({ name, operator, inputs, attributes }: NodeFields): ProtoWriter {
  const writer = new ProtoWriter().text(NODE.name, name).text(NODE.op, operator);
  for (const input of inputs) writer.text(NODE.input, input);
  for (const [key, value] of Object.entries(attributes)) {
    const entry = new ProtoWriter().text(ENTRY.key, key).message(ENTRY.value, attributeMessage(value));
    writer.message(NODE.attr, entry);
  }
  return writer;
}

function attributeMessage(attribute: WrittenAttribute): ProtoWriter {
  const writer = new ProtoWriter();
  if ('type' in attribute) return writer.integer(ATTRIBUTE.type, DATA_TYPES[attribute.type]);
  if ('int' in attribute) return writer.integer(ATTRIBUTE.i, attribute.int);
  if ('bool' in attribute) return writer.integer(ATTRIBUTE.b, Number(attribute.bool));
  if ('text' in attribute) return writer.text(ATTRIBUTE.s, attribute.text);
  if ('shape' in attribute) return writer.message(ATTRIBUTE.shape, shapeMessage(attribute.shape));
  return writer.message(ATTRIBUTE.tensor, tensorMessage(attribute.tensor));
}

function tensorMessage({ shape, dtype, numbers }: Literal): ProtoWriter {
  if (dtype === 'int64') throw new Error('TensorFlow takes shapes and axes in 32 bits');
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  return new ProtoWriter()
    .integer(TENSOR.dtype, DATA_TYPES[dtype])
    .message(TENSOR.tensorShape, shapeMessage(shape))
    .bytes(TENSOR.tensorContent, bytes.slice());
}

function shapeMessage(shape: readonly number[]): ProtoWriter {
  const sizes = shape.map((size) => new ProtoWriter().integer(DIMENSION.size, size));
  return new ProtoWriter().messages(TENSOR_SHAPE.dim, sizes);
}

/** A GraphDef. */
export function graphBytes(nodes: readonly ProtoWriter[]): Uint8Array {
  const versions = new ProtoWriter().integer(schema.VERSIONS.producer, PRODUCER);
  return new ProtoWriter().messages(GRAPH.node, nodes).message(GRAPH.versions, versions).finish();
}

/** A SavedModel of one graph, found by a tag. */
export function savedModelBytes(graph: Uint8Array, tag: string): Uint8Array {
  const { META_GRAPH, META_INFO, SAVED_MODEL } = schema;
  const info = new ProtoWriter().text(META_INFO.tags, tag);
  const metaGraph = new ProtoWriter().message(META_GRAPH.metaInfoDef, info).bytes(META_GRAPH.graphDef, graph);
  return new ProtoWriter()
    .integer(SAVED_MODEL.savedModelSchemaVersion, 1)
    .message(SAVED_MODEL.metaGraphs, metaGraph)
    .finish();
}
