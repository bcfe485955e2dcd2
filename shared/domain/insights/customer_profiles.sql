-- question: Who is this customer to the shop?
-- grain: one row for each known customer with an order up to the period's last day
-- reads: transactions
-- uses: customers
-- range: until
-- order: customer_id
-- column: customer_id text: The customer
-- column: country text: Country of the last day with an order; of several the first by name
-- column: segment text: Name for the scores r and f, as in rfm
-- column: recency_days integer days: Days from the last order to the period's last day
-- column: frequency integer orders: Orders (invoices)
-- column: monetary decimal currency: Revenue of all orders so far
-- column: r integer: Score for recency, 1 to 5; 5 are the latest
-- column: f integer: Score for frequency, 1 to 5
-- column: m integer: Score for revenue, 1 to 5
-- column: first_order date: Day of the first order
-- column: last_order date: Day of the last order
-- column: average_order decimal currency: Revenue divided by orders, to the cent
-- column: rhythm_days number days: Mean days from one day with an order to the next; null with one day only
-- column: churn_risk text: active, late, at_risk or lost, as in churn; null where there is no rhythm
-- cannot: Returns are not deducted. All history up to the last day counts, whatever the first day asked for.
-- cannot: Scores compare customers of this shop at this day.
-- cannot: at_risk and lost are words of both: segment compares with the others, churn_risk with the customer's own rhythm, and they may differ.
select
  customer_id,
  country,
  segment,
  recency_days,
  frequency,
  monetary,
  r,
  f,
  m,
  first_order,
  last_order,
  cast(round(cast(monetary as double) / frequency, 2) as decimal(38, 2)) as average_order,
  rhythm_days,
  churn_risk
from customers
