-- question: How recently, how often and for how much did each customer buy, compared with the others?
-- grain: one row for each known customer with an order up to the period's last day
-- reads: transactions
-- uses: customers
-- range: until
-- order: monetary desc, customer_id
-- column: customer_id text: The customer
-- column: recency_days integer days: Days from the last order to the period's last day
-- column: frequency integer orders: Orders (invoices)
-- column: monetary decimal currency: Revenue of all orders
-- column: r integer: Score for recency by fifths of the customers, 1 to 5; 5 are the latest
-- column: f integer: Score for frequency, 5 are the most frequent
-- column: m integer: Score for revenue, 5 is the most
-- column: segment text: Name for the scores r and f: champions, loyal, potential_loyalist, new, promising, need_attention, about_to_sleep, at_risk, cannot_lose, hibernating or lost
-- cannot: Scores compare customers of this shop at this day: they say who is better, not who is good.
-- cannot: Equal values have the same score (of recency the best of those that they span, else the lowest), so fifths may differ in size and a score may go to nobody.
-- cannot: All of a customer's history up to the last day counts, whatever the first day asked for. Returns are not deducted.
select customer_id, recency_days, frequency, monetary, r, f, m, segment
from customers
