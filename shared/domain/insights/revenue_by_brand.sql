-- question: Which brands do visitors buy, and for how much?
-- grain: one row for each brand of which something was purchased, and one for purchases without brand
-- reads: events
-- range: rows
-- order: revenue desc, brand
-- column: brand text: The brand; null for products without one
-- column: revenue decimal currency: Prices of what was purchased, summed
-- column: purchases integer pieces: Purchases, each of one piece
-- column: buyers integer visitors: Visitors who purchased
-- column: share number ratio: Part of the revenue of all rows, 0 to 1; null where all of it is 0
-- cannot: It counts purchases that visitors' events tell of; they have no invoice, and need not sum to what transactions say.
-- cannot: A buyer of two brands counts in both, so buyers do not sum.
select
  brand,
  cast(sum(price) as decimal(38, 4)) as revenue,
  count(*) as purchases,
  count(distinct user_id) as buyers,
  round(cast(sum(price) as double) / nullif(cast(sum(sum(price)) over () as double), 0), 4) as share
from events
where event_type = 'purchase'
group by brand
