/** What a panel draws: of which columns. */
export interface Drawn {
  readonly kind: 'line' | 'bar' | 'bars';
  /** Columns that name a row, the first that it has a value for. */
  readonly by: readonly string[];
  readonly values: readonly string[];
}

/** An insight in a panel. */
export interface Shows {
  readonly insight: string;
  readonly label: string;
  readonly drawn: Drawn | 'triangle';
  /** Rows that are asked for: all of a series, the first of a list. */
  readonly rows: number;
}

export interface Panel {
  readonly id: string;
  readonly title: string;
  readonly dataset: 'transactions' | 'events';
  /** One of them at a time; a button each where there are several. */
  readonly shows: readonly Shows[];
  readonly wide?: boolean;
  /** Days from which on the second is shown at first. */
  readonly longFrom?: number;
}

/** A section of the page: headed, and in this order. */
export interface Section {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const SERIES = 1000;
const LIST = 100;
const product = ['description', 'stock_code'];

const one = (insight: string, drawn: Shows['drawn'], rows: number, label = ''): Shows => ({
  insight,
  label,
  drawn,
  rows,
});

export const SECTIONS: readonly Section[] = [
  {
    title: 'Sales',
    panels: [
      {
        id: 'revenue',
        title: 'Revenue over time',
        dataset: 'transactions',
        wide: true,
        longFrom: 400,
        shows: [
          one('sales_by_day', { kind: 'line', by: ['day'], values: ['revenue'] }, SERIES, 'By day'),
          one('sales_by_month', { kind: 'bar', by: ['month'], values: ['revenue'] }, SERIES, 'By month'),
        ],
      },
      {
        id: 'hours',
        title: 'Orders by hour',
        dataset: 'transactions',
        shows: [one('sales_by_hour', { kind: 'bar', by: ['hour'], values: ['orders'] }, SERIES)],
      },
      {
        id: 'weekdays',
        title: 'Orders by weekday',
        dataset: 'transactions',
        shows: [one('sales_by_weekday', { kind: 'bar', by: ['weekday'], values: ['orders'] }, SERIES)],
      },
      {
        id: 'products',
        title: 'Top products',
        dataset: 'transactions',
        shows: [
          one('top_products_by_revenue', { kind: 'bars', by: product, values: ['revenue'] }, LIST, 'By revenue'),
          one('top_products_by_quantity', { kind: 'bars', by: product, values: ['pieces'] }, LIST, 'By pieces'),
        ],
      },
      {
        id: 'countries',
        title: 'Countries',
        dataset: 'transactions',
        shows: [one('revenue_by_country', { kind: 'bars', by: ['country'], values: ['revenue'] }, LIST)],
      },
      {
        id: 'prices',
        title: 'Prices',
        dataset: 'transactions',
        shows: [
          one(
            'price_changes',
            { kind: 'bars', by: product, values: ['pieces_before', 'pieces_after'] },
            LIST,
            'Price changes',
          ),
          one('discounts', { kind: 'bars', by: product, values: ['given'] }, LIST, 'Discounts'),
        ],
      },
      {
        id: 'returns',
        title: 'Returns and cancellations',
        dataset: 'transactions',
        shows: [one('returns_by_product', { kind: 'bars', by: product, values: ['value'] }, LIST)],
      },
    ],
  },
  {
    title: 'Customers',
    panels: [
      {
        id: 'segments',
        title: 'Kinds of customers',
        dataset: 'transactions',
        shows: [one('rfm_segments', { kind: 'bars', by: ['segment'], values: ['customers'] }, LIST)],
      },
      {
        id: 'churn',
        title: 'Customers who may be leaving',
        dataset: 'transactions',
        shows: [one('churn', { kind: 'bars', by: ['customer_id'], values: ['value_at_risk'] }, LIST)],
      },
      {
        id: 'retention',
        title: 'Do new customers come back?',
        dataset: 'transactions',
        wide: true,
        shows: [one('retention', 'triangle', SERIES)],
      },
    ],
  },
  {
    title: 'Visitors',
    panels: [
      {
        id: 'funnel',
        title: 'From looking to buying',
        dataset: 'events',
        shows: [one('funnel', { kind: 'bars', by: ['event'], values: ['sessions'] }, LIST)],
      },
      {
        id: 'carts',
        title: 'Carts left behind',
        dataset: 'events',
        shows: [one('cart_abandonment', { kind: 'line', by: ['day'], values: ['sessions', 'abandoned'] }, SERIES)],
      },
      {
        id: 'users',
        title: 'Active visitors',
        dataset: 'events',
        shows: [one('active_users', { kind: 'line', by: ['day'], values: ['daily', 'weekly', 'monthly'] }, SERIES)],
      },
      {
        id: 'categories',
        title: 'Categories and brands',
        dataset: 'events',
        shows: [
          one('revenue_by_category', { kind: 'bars', by: ['category_code'], values: ['revenue'] }, LIST, 'Categories'),
          one('revenue_by_brand', { kind: 'bars', by: ['brand'], values: ['revenue'] }, LIST, 'Brands'),
        ],
      },
    ],
  },
];
