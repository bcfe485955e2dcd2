-- question: Which customers are silent for longer than is usual for them, and what are they worth?
-- grain: one row for each known customer with orders on at least two days up to the period's last day
-- reads: transactions
-- uses: customers
-- range: until
-- order: value_at_risk desc, lifetime_value desc, customer_id
-- column: customer_id text: The customer
-- column: churn_risk text: By ratio: active to 1, late to 2, at_risk to 4, lost above
-- column: ratio number ratio: Days since the last order divided by the rhythm, which counts as 7 days at least
-- column: days_since integer days: Days from the last order to the period's last day
-- column: rhythm_days number days: Mean days from one day with an order to the next
-- column: value_at_risk decimal currency: Part of the lifetime value as large as the part of the silence that is beyond the rhythm, to the cent; 0 while active
-- column: lifetime_value decimal currency: Revenue of all orders so far
-- column: orders integer orders: Orders (invoices)
-- column: first_order date: Day of the first order
-- column: last_order date: Day of the last order
-- cannot: Who ordered on one day only has no rhythm, and no row here; in customer_profiles the risk is null.
-- cannot: Two or three orders make a weak rhythm. A mean is no forecast: by chance alone more than a third of all pauses are longer than the mean.
-- cannot: Lost is a word for a ratio, not for a farewell. In another shop's data (Online Retail, as of 2011-08-31) 41 in 100 of the lost ordered within 90 days all the same; of those at risk 62, late 72, active 75.
-- cannot: Seasons are not known. All history up to the last day counts, whatever the first day asked for; returns are not deducted.
select
  customer_id,
  churn_risk,
  silence as ratio,
  recency_days as days_since,
  rhythm_days,
  case
    when silence <= 1 then cast(0 as decimal(38, 2))
    else cast(round(cast(monetary as double) * (1 - pause / recency_days), 2) as decimal(38, 2))
  end as value_at_risk,
  monetary as lifetime_value,
  frequency as orders,
  first_order,
  last_order
from customers
where order_days > 1
