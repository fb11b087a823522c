/** What everything is measured against: Fastify with @fastify/http-proxy, which translates nothing and logs nothing. */
import httpProxy from '@fastify/http-proxy'
import fastify from 'fastify'

const [port, upstream] = process.argv.slice(2)

const app = fastify({ bodyLimit: 33_554_432 })
// Its own limit of 128 connections would make the 129th stream wait for another to end.
await app.register(httpProxy, { upstream, undici: { connections: 10_000, pipelining: 1 } })
await app.listen({ host: '127.0.0.1', port: Number(port) })
