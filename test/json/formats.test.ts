import t from 'tap'
import { FORMATS } from '../../src/json/formats.ts'

t.test('formats are as lenient as the more lenient of zod and pydantic', t => {
  const cases: Record<string, { fits: string[], fitsNot: string[] }> = {
    uri: { fits: ['https://de.wikipedia.org/wiki/Köln', 'http://a/b c', 'mailto:x@y', 'urn:isbn:1', 'http://ä.de'], fitsNot: ['x', '//a/b', 'a b', ''] },
    iri: { fits: ['https://de.wikipedia.org/wiki/Köln'], fitsNot: ['x'] },
    'date-time': { fits: ['2024-05-01T10:00:00Z', '2024-05-01T10:00:00', '2024-05-01 10:00', '2024-05-01T10:00:00.123456+02:00', '2024-05-01T10:00:00+0200', '2024-05-01', '1700000000', '2024-02-29T00:00'], fitsNot: ['today', '2024-02-30T10:00:00', '2024-05-01T24:00:00', '2023-02-29T10:00', '2024-05-01T10'] },
    date: { fits: ['2024-05-01', '2024-05-01T00:00:00Z', '2024-02-29', '2000-02-29', '0000-01-01'], fitsNot: ['2024-13-01', '2024-05-01T10:00:00', '20240501', '1900-02-29', '2024-5-1', 'today'] },
    time: { fits: ['10:00', '10:00:00Z', '10:00:00.5+02:00'], fitsNot: ['24:00', '1:00', 'noon'] },
    duration: { fits: ['P1D', 'PT1H', 'P1Y2M', 'P1W', '-P1D', 'PT1.5H', '1 day, 10:00', '10:00:00'], fitsNot: ['', 'P', '1', 'an hour'] },
    email: { fits: ['a@b.de', 'jö@köln.de'], fitsNot: ['a', 'a@@b.de', 'a b@c.de'] },
    'idn-email': { fits: ['jö@köln.de'], fitsNot: ['jö'] },
    hostname: { fits: ['localhost', 'a.de', 'köln.de'], fitsNot: ['a..b', 'a b', ''] },
    'idn-hostname': { fits: ['köln.de'], fitsNot: ['a b'] },
    ipv4: { fits: ['1.2.3.4', '255.255.255.255'], fitsNot: ['1.2.3', '256.1.1.1', '01.2.3.4', '1.2.3.4.'] },
    ipv6: { fits: ['::1', 'fe80::1%eth0', '::ffff:1.2.3.4'], fitsNot: ['1::2::3', '[::1]', 'x'] },
    uuid: { fits: ['12345678-1234-1234-1234-123456789abc', '12345678123412341234123456789ABC', 'urn:uuid:12345678-1234-1234-1234-123456789abc'], fitsNot: ['12345678'] }
  }
  t.strictSame(Object.keys(cases).sort(), Object.keys(FORMATS).sort())
  for (const [format, { fits, fitsNot }] of Object.entries(cases)) {
    t.strictSame(fits.filter(text => !FORMATS[format]?.(text)), [], `${format}: what fits`)
    t.strictSame(fitsNot.filter(text => FORMATS[format]?.(text)), [], `${format}: what does not`)
  }
  t.end()
})

t.test('no text takes long', t => {
  for (const [format, isIn] of Object.entries(FORMATS)) {
    const start = performance.now()
    for (const piece of ['a', '1', '-', ':', 'a.', 'P1D', '1:', 'a@', ' ', '0', '.0', '%', 'T1H', '1 day ']) for (const length of [8_000, 1_000_000]) isIn(piece.repeat(length / piece.length) + '!')
    t.ok(performance.now() - start < 3_000, `${format}: ${Math.round(performance.now() - start)} ms`)
  }
  t.end()
})
