import type { Booking, Ledger } from '../stores/ledger/ledger.ts'
import type { EndedRequest, RequestReader } from '../telemetry/ended-requests.ts'
import { toBookings, type FindModel } from './booking.ts'

/** Who hears of what is booked. */
export interface BookingListener {
  /** After each request that books something. */
  onBooked: (bookings: readonly Booking[], ended: EndedRequest) => void
  /** After every request. */
  release: (ended: EndedRequest) => void
}

/**
 * Books every ended request that asked for a model.
 * @param unasked the account of a request for which none was asked; that of the single pair when absent
 */
export function toLedgerReader (ledger: Pick<Ledger, 'add'>, find: FindModel, listener: BookingListener, unasked?: string): RequestReader {
  return {
    name: 'ledger',
    readsCalls: true,
    read: ended => {
      const bookings = toBookings(ended, find, unasked)
      if (bookings.length > 0) {
        ledger.add(bookings)
        listener.onBooked(bookings, ended)
      }
      listener.release(ended)
    }
  }
}
