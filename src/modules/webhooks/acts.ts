import { defineActs } from '#platform/audit'

/** What webhooks write into the audit log. */
export const webhooksActs = defineActs(
  'changeWebhookEndpoint',
  'createWebhookEndpoint',
  'deleteWebhookEndpoint',
  'disableWebhookEndpoint',
  'redriveWebhookDeliveries',
  'rotateWebhookSecret',
)
