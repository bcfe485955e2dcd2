/*
 * What a stage may cost a day. AWS counts by the tag `stack` once the account's owner has made it a cost allocation tag,
 * and not before: until then the budget sees nothing (docs/runbook.md#budget). Budgets are the account's, whatever the
 * region that makes them.
 */
exports.resources = async ({ resolveVariable }) => {
  const { budget } = await resolveVariable('self:custom.stage');
  const name = await resolveVariable('self:custom.name');
  if (budget.dollarsPerDay === null) return { Resources: {} };
  return {
    Resources: {
      // Without a name of its own: a changed notification replaces it, which a name that is taken would forbid.
      DailyBudget: {
        Type: 'AWS::Budgets::Budget',
        DependsOn: 'AlarmTopicPolicy', // or the topic refuses
        Properties: {
          Budget: {
            BudgetType: 'COST',
            TimeUnit: 'DAILY',
            BudgetLimit: { Amount: budget.dollarsPerDay, Unit: 'USD' },
            // Of several values of this filter any will do, so that a tag that is the stage's alone is asked for.
            CostFilters: { TagKeyValue: [`user:stack$${name}`] },
          },
          NotificationsWithSubscribers: [
            {
              Notification: {
                NotificationType: 'ACTUAL', // there is no forecast for a day
                ComparisonOperator: 'GREATER_THAN',
                Threshold: 100,
                ThresholdType: 'PERCENTAGE',
              },
              Subscribers: [{ SubscriptionType: 'SNS', Address: { Ref: 'AlarmTopic' } }],
            },
          ],
        },
      },
    },
  };
};
