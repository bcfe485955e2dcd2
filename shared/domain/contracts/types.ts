// Written by `npm run contracts` from the contracts beside it; a test holds it to them.

/** A cleaned row of transactions, version 1: one line of an invoice. */
export interface Transaction {
  /** Number of the invoice; a C in front marks a cancellation, an A an adjustment of bad debt. */
  readonly invoice_no: string;
  /** Code of the product. */
  readonly stock_code: string;
  /** Name of the product. */
  readonly description: string | null;
  /** Pieces sold; a whole number of 32 bits. */
  readonly quantity: number;
  /** When the invoice was written; ISO 8601, UTC. */
  readonly invoice_date: string;
  /** Price of one piece in the shop's currency; decimal(12,4) as text, without trailing zeros. */
  readonly unit_price: string;
  /** Number of the customer; Unknown when the shop does not know. */
  readonly customer_id: string;
  /** Where the customer lives. */
  readonly country: string;
}

/** A cleaned row of events, version 1: one thing that a visitor did with one product. */
export interface Event {
  /** When it happened; ISO 8601, UTC. */
  readonly event_time: string;
  /** What the visitor did. */
  readonly event_type: 'view' | 'cart' | 'remove_from_cart' | 'purchase';
  /** The product. */
  readonly product_id: string;
  /** The product's category. */
  readonly category_id: string;
  /** The category's name, levels joined by dots. */
  readonly category_code: string | null;
  /** The product's brand. */
  readonly brand: string | null;
  /** Price of one piece in the shop's currency; decimal(12,4) as text, without trailing zeros. */
  readonly price: string;
  /** The visitor. */
  readonly user_id: string;
  /** The visit; a new one after a long pause. */
  readonly user_session: string | null;
}
