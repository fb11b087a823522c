/** Whether a text has a format. */
type Check = (text: string) => boolean

/** Longer texts pass every format: real values are short, and a check must not take long. */
const MAX_LENGTH = 8_192

const DATE = String.raw`\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])`
const TIME = String.raw`(?:[01]\d|2[0-3]):[0-5]\d(?::(?:[0-5]\d|60)(?:[.,]\d+)?)?`
const OFFSET = String.raw`(?:[Zz]|[+-\u2212](?:[01]\d|2[0-3]):?[0-5]\d)`
/** Seconds or milliseconds since 1970, which pydantic accepts for dates and times. */
const UNIX_TIME = String.raw`[+-]?(?:\d+\.?\d*|\.\d+)`

/**
 * String formats, each as lenient as the more lenient one of zod and pydantic, whose schemas name them: an answer that its
 * caller would accept must not be refused here. For other formats (`regex`, `uri-template`, …) any text passes.
 * Sources: zod 4's `regexes`, and the observed behaviour of pydantic 2.
 */
export const FORMATS: Readonly<Record<string, Check>> = {
  date: withDay(`^(${DATE})(?:[Tt ]00:00(?::00(?:[.,]0+)?)?(?:${OFFSET})?)?$|^(${UNIX_TIME})$`, isMidnight),
  time: matching(`^${TIME}(?:${OFFSET})?$`),
  'date-time': withDay(`^(${DATE})(?:[Tt _]${TIME}(?:${OFFSET})?)?$|^${UNIX_TIME}$`),
  duration: matching(String.raw`^[+-]?P(?=[\dT])(?:\d+(?:[.,]\d+)?[YyMmWwDd])*(?:T(?:\d+(?:[.,]\d+)?[HhMmSs])*)?$|^[+-]?(?=\d)(?:\d+ ?[Dd](?:ays?)?,? ?)?(?:\d+:\d{2}(?::\d{2})?(?:[.,]\d+)?)?$`),
  email: matching(String.raw`^[^\s@]+@[^\s@]+$`),
  'idn-email': matching(String.raw`^[^\s@]+@[^\s@]+$`),
  hostname: matching(String.raw`^[\p{L}\p{N}\p{M}_-]{1,63}(?:\.[\p{L}\p{N}\p{M}_-]{1,63})*\.?$`),
  'idn-hostname': matching(String.raw`^[\p{L}\p{N}\p{M}_-]{1,63}(?:[.\u3002][\p{L}\p{N}\p{M}_-]{1,63})*\.?$`),
  ipv4: matching(String.raw`^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$`),
  ipv6: text => /^[\da-fA-F:.]+(?:%[^\s%]+)?$/.test(text) && URL.canParse(`http://[${text.replace(/%.*/, '')}]/`),
  uri: isAddress,
  iri: isAddress,
  uuid: matching(String.raw`^(?:urn:uuid:)?\{?[\da-f]{8}(?:-?[\da-f]{4}){3}-?[\da-f]{12}\}?$`, 'i')
}

function matching (source: string, flags = ''): Check {
  const pattern = new RegExp(source, `u${flags}`)
  return text => text.length > MAX_LENGTH || pattern.test(text)
}

/**
 * @param source its first group is a date, its second a number of seconds
 * @param isMoment whether these seconds are allowed
 */
function withDay (source: string, isMoment = (_seconds: number) => true): Check {
  const pattern = new RegExp(source, 'u')
  return text => {
    if (text.length > MAX_LENGTH) return true
    const [found, date, seconds] = pattern.exec(text) ?? []
    return found !== undefined && (date === undefined || isDay(date)) && (seconds === undefined || isMoment(Number(seconds)))
  }
}

function isMidnight (seconds: number): boolean {
  return seconds % 86_400 === 0
}

/** Whether the month has that day. */
function isDay (date: string): boolean {
  const [year, month, day] = date.split('-').map(Number) as [number, number, number]
  return day <= new Date(Date.UTC(year === 0 ? 400 : year + 400, month, 0)).getUTCDate()
}

/** An absolute URI: by RFC 3986 and 3987, or by the rules of browsers, as zod and pydantic read them. */
function isAddress (text: string): boolean {
  return text.length > MAX_LENGTH || /^[A-Za-z][A-Za-z\d+.-]*:\S*$/.test(text) || URL.canParse(text)
}
