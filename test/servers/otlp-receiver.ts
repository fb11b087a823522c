import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { gunzipSync } from 'node:zlib'
import type { Test } from 'tap'

export interface ReceivedSpan {
  name: string
  /** 2 is a server's, 3 a client's. */
  kind: number
  traceId: string
  spanId: string
  /** Empty for a span without a parent. */
  parentSpanId: string
  startMs: number
  endMs: number
  attributes: Record<string, unknown>
  /** 0 unset, 2 error. */
  status: number
  /** Of the service that made it. */
  resource: Record<string, unknown>
}

export interface OtlpReceiver {
  /** Without a path. */
  url: string
  port: number
  spans: ReceivedSpan[]
  /** Of every export, in order. */
  exports: Array<{ path: string, headers: IncomingHttpHeaders, text: string }>
  /** How it answers; 200 by default. */
  answer: (response: ServerResponse, request: IncomingMessage) => void
}

/** A collector that speaks OTLP over HTTP, JSON and protobuf, and keeps what it gets. */
export async function startOtlpReceiver (t: Test): Promise<OtlpReceiver> {
  const receiver: OtlpReceiver = { url: '', port: 0, spans: [], exports: [], answer: response => response.writeHead(200, { 'content-type': 'application/json' }).end('{}') }
  const server = createServer(async (request, response) => {
    const sent = await buffer(request).catch(() => undefined)
    // Its sender has given up.
    if (sent === undefined) return
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(sent) : sent
    receiver.exports.push({ path: request.url ?? '', headers: request.headers, text: body.toString('latin1') })
    receiver.spans.push(...(request.headers['content-type'] === 'application/json' ? fromJson(body) : fromProtobuf(body)))
    receiver.answer(response, request)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  receiver.port = (server.address() as AddressInfo).port
  receiver.url = `http://127.0.0.1:${receiver.port}`
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return receiver
}

interface JsonValue { stringValue?: string, intValue?: number | string, doubleValue?: number, boolValue?: boolean, arrayValue?: { values?: JsonValue[] } }
type JsonAttributes = Array<{ key: string, value: JsonValue }>
interface JsonSpan { name: string, kind: number, traceId: string, spanId: string, parentSpanId?: string, startTimeUnixNano: string, endTimeUnixNano: string, attributes?: JsonAttributes, status?: { code?: number } }

function fromJson (body: Buffer): ReceivedSpan[] {
  const { resourceSpans } = JSON.parse(body.toString()) as { resourceSpans: Array<{ resource: { attributes: JsonAttributes }, scopeSpans: Array<{ spans: JsonSpan[] }> }> }
  return resourceSpans.flatMap(({ resource, scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map(span => ({
    name: span.name,
    kind: span.kind,
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? '',
    startMs: toMs(BigInt(span.startTimeUnixNano)),
    endMs: toMs(BigInt(span.endTimeUnixNano)),
    attributes: fromJsonAttributes(span.attributes ?? []),
    status: span.status?.code ?? 0,
    resource: fromJsonAttributes(resource.attributes)
  }))))
}

function fromJsonAttributes (attributes: JsonAttributes): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, fromJsonValue(value)]))
}

function fromJsonValue ({ stringValue, intValue, doubleValue, boolValue, arrayValue }: JsonValue): unknown {
  if (arrayValue !== undefined) return (arrayValue.values ?? []).map(fromJsonValue)
  return stringValue ?? boolValue ?? doubleValue ?? Number(intValue)
}

/** The fields of one message of protobuf, by their numbers: lengths and varints, and numbers of fixed length as bytes. */
type Fields = Map<number, Array<Buffer | bigint>>

function readFields (bytes: Buffer): Fields {
  const fields: Fields = new Map()
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++] as number
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const wireType = tag & 7
    const length = wireType === 0 ? 0 : wireType === 1 ? 8 : wireType === 5 ? 4 : Number(varint())
    const value = wireType === 0 ? varint() : bytes.subarray(at, at += length)
    fields.set(tag >> 3, [...fields.get(tag >> 3) ?? [], value])
  }
  return fields
}

const messages = (fields: Fields, number: number): Fields[] => (fields.get(number) ?? []).map(bytes => readFields(bytes as Buffer))
const text = (fields: Fields, number: number, encoding: BufferEncoding = 'utf8') => (fields.get(number)?.[0] as Buffer | undefined)?.toString(encoding) ?? ''
const fixed = (fields: Fields, number: number) => (fields.get(number)?.[0] as Buffer).readBigUInt64LE()

function fromProtobuf (body: Buffer): ReceivedSpan[] {
  return messages(readFields(body), 1).flatMap(ofResource => messages(ofResource, 2).flatMap(ofScope => messages(ofScope, 2).map(span => ({
    name: text(span, 5),
    kind: Number(span.get(6)?.[0]),
    traceId: text(span, 1, 'hex'),
    spanId: text(span, 2, 'hex'),
    parentSpanId: text(span, 4, 'hex'),
    startMs: toMs(fixed(span, 7)),
    endMs: toMs(fixed(span, 8)),
    attributes: fromPairs(messages(span, 9)),
    status: Number(messages(span, 15)[0]?.get(3)?.[0] ?? 0),
    resource: fromPairs(messages(ofResource, 1).flatMap(resource => messages(resource, 1)))
  }))))
}

function fromPairs (pairs: Fields[]): Record<string, unknown> {
  return Object.fromEntries(pairs.map(pair => [text(pair, 1), messages(pair, 2).map(fromValue)[0]]))
}

function fromValue (value: Fields): unknown {
  if (value.has(5)) return messages(value, 5).flatMap(list => messages(list, 1)).map(fromValue)
  if (value.has(4)) return (value.get(4)?.[0] as Buffer).readDoubleLE()
  if (value.has(3)) return Number(value.get(3)?.[0])
  return value.has(2) ? value.get(2)?.[0] === 1n : text(value, 1)
}

function toMs (nanoseconds: bigint): number {
  return Number(nanoseconds / 1_000n) / 1_000
}
