/**
 * Certificate policies along a path. RFC 5280 §6.1.3 (d) to (f), §6.1.4 (h) to (j), §6.1.5, with any-policy as the initial
 * policy set and no initial requirement: a path fails only where an authority in it requires a policy, and no policy is valid
 * from the root to the leaf.
 *
 * Without policyMappings, which are refused before, the tree of the RFC has one expected policy in each node, so that its
 * lowest level is a set.
 */
import { ANY_POLICY, type Extensions } from "../../codecs/x509/mod.ts";

export interface PolicyState {
  /** The lowest level of valid_policy_tree; empty when the tree is NULL. */
  readonly valid: ReadonlySet<string>;
  /** explicit_policy: how many certificates may follow without a valid policy. Infinity: no certificate requires one. */
  readonly explicit: number;
  /** inhibit_anyPolicy: in how many certificates that follow anyPolicy still counts. */
  readonly anyFor: number;
}

export const policiesAtAnchor: PolicyState = {
  valid: new Set([ANY_POLICY]),
  explicit: Number.POSITIVE_INFINITY,
  anyFor: Number.POSITIVE_INFINITY,
};

/** After this certificate's own policies, §6.1.3. */
export const withPolicies = (
  state: PolicyState,
  { policies }: Extensions,
  { isSelfIssued, isLeaf }: { readonly isSelfIssued: boolean; readonly isLeaf: boolean },
): PolicyState => {
  if (policies === undefined) return { ...state, valid: new Set() };
  const { valid: above, anyFor } = state;
  const valid = new Set(policies.filter((id) => id !== ANY_POLICY && (above.has(id) || above.has(ANY_POLICY))));
  if (policies.includes(ANY_POLICY) && (anyFor > 0 || (!isLeaf && isSelfIssued))) for (const id of above) valid.add(id);
  return { ...state, valid };
};

/** §6.1.3 (f): "explicit_policy is greater than 0 or the valid_policy_tree is not equal to NULL". */
export const isPolicyMissing = ({ explicit, valid }: PolicyState): boolean => explicit <= 0 && valid.size === 0;

/** What holds for the certificates below this authority, §6.1.4. */
export const policiesBelow = (state: PolicyState, extensions: Extensions, isSelfIssued: boolean): PolicyState => {
  const step = isSelfIssued ? 0 : 1;
  const { policyConstraints, inhibitAnyPolicy } = extensions;
  return {
    valid: state.valid,
    explicit: Math.min(
      Math.max(state.explicit - step, 0),
      policyConstraints?.requireExplicitPolicy ?? Number.POSITIVE_INFINITY,
    ),
    anyFor: Math.min(Math.max(state.anyFor - step, 0), inhibitAnyPolicy ?? Number.POSITIVE_INFINITY),
  };
};

/** §6.1.5 (a), (b), (g): whether the leaf's policies are enough. */
export const isLeafPolicyMissing = (state: PolicyState, { policyConstraints }: Extensions): boolean => {
  const explicit = policyConstraints?.requireExplicitPolicy === 0 ? 0 : state.explicit - 1;
  return explicit <= 0 && state.valid.size === 0;
};
