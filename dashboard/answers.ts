/* What the API answers, as far as the page reads it (shared/domain/openapi has all of it). Decimals are text, and exact. */

export type Value = string | number | null;
export type Row = Readonly<Record<string, Value>>;
export type ColumnType = 'text' | 'date' | 'timestamp' | 'integer' | 'decimal' | 'number';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly unit?: string | null;
  readonly description: string;
}

/** GET /v1/insights/{name} */
export interface Answer {
  readonly name: string;
  readonly question: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly built_at: string | null;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
  readonly truncated: boolean;
  readonly cannot: readonly string[];
}

export interface DataSet {
  readonly dataset: string;
  readonly first_day: string | null;
  readonly last_day: string | null;
  readonly rows: number;
  readonly removed_duplicates: number;
  readonly batches: number;
  readonly received: number;
  readonly kept: number;
  readonly duplicate: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly pending: number;
  readonly balanced: boolean;
}

/** GET /v1/insights */
export interface Overview {
  readonly built_at: string | null;
  readonly datasets: readonly DataSet[];
}

/** GET /v1/live */
export interface Live {
  readonly at: string;
  readonly day: string;
  readonly timezone: string;
  readonly behind: boolean;
  readonly transactions: {
    readonly revenue: string;
    readonly orders: number;
    readonly by_hour: readonly { readonly hour: number; readonly orders: number; readonly revenue: string }[];
    readonly top_products: readonly {
      readonly stock_code: string;
      readonly description: string | null;
      readonly revenue: string;
      readonly pieces: number;
    }[];
  };
  readonly events: {
    readonly events: number;
    readonly purchases: number;
    readonly purchase_value: string;
    readonly active_users: number;
    readonly active_users_error: number;
  };
}
