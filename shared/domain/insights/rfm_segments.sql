-- question: Which kinds of customers does the shop have, and what do they bring?
-- grain: one row for each segment with a customer
-- reads: transactions
-- uses: customers
-- range: until
-- order: revenue desc, segment
-- column: segment text: Name for scores of recency and frequency, as in rfm
-- column: customers integer customers: Customers
-- column: customer_share number ratio: Part of all known customers, 0 to 1
-- column: revenue decimal currency: Revenue of all their orders
-- column: revenue_share number ratio: Part of the revenue of all known customers, 0 to 1
-- column: average_recency number days: Days from the last order to the period's last day, on average
-- column: average_frequency number orders: Orders of a customer, on average
-- column: average_monetary decimal currency: Revenue of a customer, on average, to the cent
-- cannot: Orders without a known customer are left out. All history up to the last day counts; returns are not deducted.
-- cannot: Segments come from scores that compare customers of this shop, so each will mostly have somebody.
select
  segment,
  count(*) as customers,
  round(cast(count(*) as double) / sum(count(*)) over (), 4) as customer_share,
  cast(sum(monetary) as decimal(38, 4)) as revenue,
  round(cast(sum(monetary) as double) / cast(sum(sum(monetary)) over () as double), 4) as revenue_share,
  round(cast(sum(recency_days) as double) / count(*), 1) as average_recency,
  round(cast(sum(frequency) as double) / count(*), 2) as average_frequency,
  cast(round(cast(sum(monetary) as double) / count(*), 2) as decimal(38, 2)) as average_monetary
from customers
group by segment
