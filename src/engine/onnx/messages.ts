/** ONNX's messages, as far as a step needs them. */

import type { Value } from '../trace/graph.ts';
import type { Literal } from '../trace/operation.ts';
import { ProtoWriter } from '../trace/protobuf.ts';
import type { OnnxAttribute } from './operation.ts';
import * as schema from './schema.ts';

const OPSET = 18;
const IR_VERSION = 9;
/** Where ONNX Runtime keeps operators of its own. */
const RUNTIME_DOMAIN = 'com.microsoft';

const { ATTRIBUTE, ATTRIBUTE_TYPES, DATA_TYPES, GRAPH, MODEL, NODE, TENSOR, VALUE_INFO } = schema;

export interface NodeFields {
  readonly name: string;
  /** One of ONNX's own, or `domain.Operator`. */
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

export function nodeMessage({ name, operator, inputs, outputs, attributes }: NodeFields): ProtoWriter {
  const writer = new ProtoWriter();
  for (const input of inputs) writer.text(NODE.input, input);
  for (const output of outputs) writer.text(NODE.output, output);
  const dot = operator.lastIndexOf('.');
  writer.text(NODE.name, name).text(NODE.opType, operator.slice(dot + 1));
  for (const [key, value] of Object.entries(attributes))
    writer.message(NODE.attribute, attributeMessage(key, value));
  return dot < 0 ? writer : writer.text(NODE.domain, operator.slice(0, dot));
}

function attributeMessage(name: string, value: OnnxAttribute): ProtoWriter {
  const writer = new ProtoWriter().text(ATTRIBUTE.name, name);
  if (typeof value === 'string')
    return writer.text(ATTRIBUTE.s, value).integer(ATTRIBUTE.type, ATTRIBUTE_TYPES.string);
  if (typeof value === 'number')
    return writer.integer(ATTRIBUTE.i, value).integer(ATTRIBUTE.type, ATTRIBUTE_TYPES.int);
  for (const number of value) writer.integer(ATTRIBUTE.ints, number);
  return writer.integer(ATTRIBUTE.type, ATTRIBUTE_TYPES.ints);
}

export function tensorMessage(name: string, { shape, dtype, numbers }: Literal): ProtoWriter {
  const writer = new ProtoWriter();
  for (const size of shape) writer.integer(TENSOR.dims, size);
  const { buffer, byteOffset, byteLength } = numbers;
  return writer
    .integer(TENSOR.dataType, DATA_TYPES[dtype])
    .text(TENSOR.name, name)
    .bytes(TENSOR.rawData, new Uint8Array(buffer.slice(byteOffset, byteOffset + byteLength)));
}

/** Name, type and shape of a graph's input or output. */
export function valueMessage(name: string, { dtype, shape }: Value): ProtoWriter {
  const { DIMENSION, TENSOR_SHAPE, TENSOR_TYPE, TYPE } = schema;
  const dimensions = new ProtoWriter();
  for (const size of shape)
    dimensions.message(TENSOR_SHAPE.dim, new ProtoWriter().integer(DIMENSION.dimValue, size));
  const tensorType = new ProtoWriter()
    .integer(TENSOR_TYPE.elemType, DATA_TYPES[dtype])
    .message(TENSOR_TYPE.shape, dimensions);
  const type = new ProtoWriter().message(TYPE.tensorType, tensorType);
  return new ProtoWriter().text(VALUE_INFO.name, name).message(VALUE_INFO.type, type);
}

export interface GraphFields {
  readonly nodes: readonly ProtoWriter[];
  readonly initializers: readonly ProtoWriter[];
  readonly inputs: readonly ProtoWriter[];
  readonly outputs: readonly ProtoWriter[];
}

export function modelBytes({ nodes, initializers, inputs, outputs }: GraphFields): Uint8Array {
  const graph = new ProtoWriter()
    .messages(GRAPH.node, nodes)
    .text(GRAPH.name, 'step')
    .messages(GRAPH.initializer, initializers)
    .messages(GRAPH.input, inputs)
    .messages(GRAPH.output, outputs);
  return new ProtoWriter()
    .integer(MODEL.irVersion, IR_VERSION)
    .text(MODEL.producerName, 'calm')
    .message(MODEL.graph, graph)
    .messages(MODEL.opsetImport, [operatorSet('', OPSET), operatorSet(RUNTIME_DOMAIN, 1)])
    .finish();
}

function operatorSet(domain: string, version: number): ProtoWriter {
  const { OPERATOR_SET_ID } = schema;
  return new ProtoWriter().text(OPERATOR_SET_ID.domain, domain).integer(OPERATOR_SET_ID.version, version);
}
